"""Measurements of a portal under load.

Owns: `__main__`, a portal as a `program` with keys of many accounts, and `clients` that ask it.
Does not own: the ledger that it reads (`benchmarks.reports`).
"""
