"""Measurements of every report about one large ledger.

Owns: `__main__`, the `ledger`, the `books` and the `usage` in it, and the `commands` that are
measured.
Does not own: long answers about ledgers of accounts that are alike (`benchmarks.tables`).
"""
