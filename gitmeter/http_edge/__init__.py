"""HTTP with limits, both ways.

Owns: the client (`client`, its `connections` and the `authorities` it trusts), the `server` and its
`address`, shared secrets (`secret_file`).
Does not own: what is asked or answered.
"""
