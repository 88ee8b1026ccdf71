"""`books account` and `books plan`: lines about accounts.

Owns: plans (`plan`), renewing them (`renewing`), suspensions, settings, keys and staff (`account`),
and such a line in words (`line_text`).
Does not own: what may be recorded (`books.accounts`, `books.plans`).
"""
