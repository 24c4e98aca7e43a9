"""From suites to rows: what is to be run, as data, checked before anything is booted."""
