"""Many movements of money at once, by the rules of a single one.

Owns: reading them as rows of CSV or JSONL (`rows`), and recording them in one transaction
(`recording`).
Does not own: the rules, which are those of a single movement (`books.money`, `books.checks`).
"""
