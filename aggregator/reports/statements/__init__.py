"""What happened to one account in a period, from its opening to its closing balance.

Owns: the `statement`, what `money` came in and went back, `usage` with its tiers, what became of
`grants`, what changed `since` an earlier one, its `totals`, and the `page` in HTML.
Does not own: balances at an instant (`aggregator.balances`), printing (`cli.reports`).
"""
