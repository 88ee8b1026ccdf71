"""`books account`, `key`, `staff` and `plan`: lines about accounts.

Owns: plans (`plan`), renewing them (`renewing`), suspensions and settings (`account`), keys
(`key`), staff (`staff`), what these share (`entering`), and such a line in words (`line_text`).
Does not own: what may be recorded (`books.accounts`, `books.plans`).
"""
