"""Money in the ledger: what counts, what waits, what users have by it."""
