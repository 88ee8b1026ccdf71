"""Examining a home: what is wrong, and what to do.

Owns: running the checks (`examine`), what they report (`findings`), the checks of the `home`, its
`dates`, the `remote`, the `clocks` and the `system`.
Does not own: repairs; nothing is changed here.
"""
