"""What lines of money, decisions and rules do to balances, in the caller's transaction.

Owns: what a transaction touches (`touched`), judging it and writing what users have (`balances`).
Does not own: the rules (`gitmeter.money`), charges (`aggregator.ledger.charging`), SQL (`store`).
"""
