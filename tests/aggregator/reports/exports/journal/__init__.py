"""The ledger as a journal of double entries."""
