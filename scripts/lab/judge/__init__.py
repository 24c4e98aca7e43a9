"""What tables mean: estimates, verdicts, effects, the gate, evidence for findings."""
