"""Tokens of issuers: over real HTTP, with real signatures."""
