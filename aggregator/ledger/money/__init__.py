"""What lines of money, decisions and rules do to balances, in the caller's transaction.

Owns: what a transaction touches (`touched`), what it is judged by (`rules`), the lines of tills and
desks (`writers`), those about accounts (`accounts`), what judging found (`found`), and all of it in
its order, with what users have by it (`balances`).
Does not own: the rules themselves (`gitmeter.money`), charges (`aggregator.ledger.charges`), SQL
(`store`).
"""
