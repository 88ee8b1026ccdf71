"""What the operator says about a portal.

Owns: the form of `portal.toml` (`tables`) and one to start from (`example`).
Does not own: reading the file (`front`); the home, which is a node's.
"""
