"""Issuers of yours, whose JSON Web Tokens say who asks.

Owns: whom a token of one of them is of (`issuers`): what it claims and whether it is genuine
(`tokens`), their public keys (`jwk`), and fetching these (`key_sets`).
Does not own: which account a person has (`portal.records.identities`), and what it may
(`portal.access.holders`).
"""
