"""Automatic payments by what the ledger has: what is known of an account, and who is due.

Owns: what is known of one account (`cases`), the balance that counts (`settling`), and which
accounts a till is told of (`due`), as far as the ledger is read far enough.
Does not own: the rules (`gitmeter.money.topups`), telling the till (`notices.topups`), rows
(`store`).
"""
