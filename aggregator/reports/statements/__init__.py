"""What happened to one account in a period, from its opening to its closing balance.

Owns: the `statement`, what `money` came in and went back, what became of `grants`, and what changed
`since` an earlier one.
Does not own: balances at an instant (`aggregator.balances`), printing (`cli.reports`).
"""
