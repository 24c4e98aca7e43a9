"""An instrument: what a simulated or a real PMU counted."""
