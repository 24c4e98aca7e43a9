# packages: rt-tests
pi_stress --duration=1 --groups=1
