"""The ledger: from real repos to balances, and everything that may go wrong on the way."""
