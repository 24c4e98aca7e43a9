"""What was counted of a run, by perf in the guest and by the plugin around it."""
