"""Each rule of the ledger, broken on purpose, is found."""
