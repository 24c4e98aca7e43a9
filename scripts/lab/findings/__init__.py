"""What is odd, and why: the rules of the lab and those of each workload."""
