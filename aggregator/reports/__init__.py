"""Answers for people and programs, read from the ledger.

Owns: `accounts` and `repos`, one charge down to its lines (`explain`), decisions and what they
would change (`decisions`, `proposals`, `preview`), rewritten histories (`rewrites`), other prices
(`reprice`).
Does not own: printing (`cli`), SQL (`store`).
"""
