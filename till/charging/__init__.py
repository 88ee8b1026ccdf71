"""`till charge`: charging saved cards of accounts below their threshold, once for each need.

Owns: this folder.
Does not own: who is below it (`aggregator`), when a card may be charged (`gitmeter.money.topups`),
and the line of a payment, which another till writes.
"""
