"""What an account asks about itself.

Owns: how fresh an answer is (`freshness`), what of the aggregator's answers customers see
(`forming`), where a next page begins (`paging`); the account and what it has (`account`), its
`usage`, its `charges`, how one is made (`explained`) with its `lines`, its `payments`,
`statements` and `settings`, its keys (`keys`), and payments that begin (`topups`).
Does not own: the forms of answers (`models`).
"""
