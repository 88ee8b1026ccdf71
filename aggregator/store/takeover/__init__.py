"""From one ledger to the rebuilt one that replaces it.

Owns: what is taken over because git does not have it (`carried`).
Does not own: making a ledger from git (`proof`).
"""
