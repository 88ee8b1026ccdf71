"""What happened to one account in a period, from its opening to its closing balance.

Owns: the `statement`, what `money` came in and went back, and what became of `grants`.
Does not own: balances at an instant (`aggregator.balances`), printing (`cli.reports`).
"""
