"""The daemon's listener: hints from the forge in, health and measurements out."""
