"""What the operator says about a till, and the keys that it names.

Owns: the form of `till.toml` (`tables`, with `[charge]` in `charge` and amounts in `usd`) and one
to start from (`example`), accounts with their keys and providers (`accounts`).
Does not own: reading the file (`front`); the home, which is a node's.
"""
