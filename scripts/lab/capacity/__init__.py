"""The capacity search: the highest rate at which a scenario holds its objectives."""
