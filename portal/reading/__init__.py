"""Reading a ledger that another process writes.

Owns: a connection for each thread, also while the daemon is stopped or the file is replaced
(`ledgers`), and how old the ledger is (`age`).
Does not own: what is read (`aggregator.reports`).
"""
