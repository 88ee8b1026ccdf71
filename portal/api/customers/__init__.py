"""What an account asks about itself.

Owns: how fresh an answer is (`freshness`), the account and what it has (`account`), and its keys
(`keys`).
Does not own: the forms of answers (`models`).
"""
