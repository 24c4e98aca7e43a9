pi_stress --duration=1 --groups=1 && echo number 1
