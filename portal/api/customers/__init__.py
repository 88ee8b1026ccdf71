"""What an account asks about itself.

Owns: how fresh an answer is (`freshness`), the account and what it has (`account`), its keys
(`keys`), and payments that begin (`topups`).
Does not own: the forms of answers (`models`).
"""
