"""The rules about money, without a ledger."""
