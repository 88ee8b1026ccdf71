"""Lines about accounts: suspensions, settings, keys and staff, written by the books.

Owns: what these books know of an account (`known`), writing a line of any kind (`recording`), which
suspension, key or revocation is said already (`status`), and making keys (`keys`).
Does not own: plans (`books.plans`), and what a line means for the account (`gitmeter.money`).
"""
