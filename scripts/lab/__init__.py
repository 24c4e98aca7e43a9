"""Plans sweeps, reads their runs, and reports on them. Never starts a guest."""
