"""Runs: how a guest ended, what it left, and the record that seals it."""
