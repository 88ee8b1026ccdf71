"""The rules about automatic payments, without a ledger or a provider."""
