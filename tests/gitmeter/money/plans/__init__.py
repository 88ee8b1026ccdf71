"""The rules about plans, without a ledger."""
