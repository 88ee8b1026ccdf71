"""Plans of accounts, settled and renewed by the books."""
