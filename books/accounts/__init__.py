"""Lines about accounts: suspensions, settings, keys and staff, written by the books.

Owns: what these books know of an account (`known`), writing a line of any kind (`recording`), and
which suspension, key or revocation is said already (`status`).
Does not own: making keys (`gitmeter.keys`), plans (`books.plans`), and what a line means for the
account (`gitmeter.money`).
"""
