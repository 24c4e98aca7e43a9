"""An instrument: how late timers are in guests."""
