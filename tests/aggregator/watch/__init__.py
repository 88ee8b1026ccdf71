"""The daemon's listener."""
