"""Automatic payments: when a saved card may be charged, by what was settled and what was attempted.

Owns: what was settled and consented to (`settled`, by the lines of an account `stated`), attempts
and how they ended (`attempts`), whether one may begin (`judging`), how many may over all accounts
(`fuse`), and whether one that was paid had been agreed to (`covering`). All of it is pure: the
ledger, the till that charges, the pages and the reconciliation ask the same functions.
Does not own: asking a provider for anything (`till.charging`), and telling what is due
(`aggregator.notices`).
"""
