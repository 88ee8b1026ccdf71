"""Issuers of yours, whose JSON Web Tokens say who asks.

Owns: whom a token of one of them is of (`issuers`): what it claims and whether it is genuine
(`tokens`), what an issuer says of itself (`description`), its public keys (`jwk`), when they are
fetched (`key_sets`), and signing in there with a browser (`signing_in`).
Does not own: which account a person has (`portal.records.identities`), and what it may
(`portal.access.holders`).
"""
