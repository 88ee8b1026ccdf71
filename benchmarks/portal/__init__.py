"""Measurements of a portal under load.

Owns: `__main__`, the `ledger` of very many accounts, a portal as a `program` about it, `clients`
that ask it, a daemon that bills `beside` it, and what any answer (`floor`) and `pages` cost.
"""
