"""Payment intake: what payment providers did becomes lines that the aggregator reads.

A till asks providers what is true whenever an event, a sweep or a person gives it a reason to,
writes the lines that are missing, and pushes them at once. Its spool, commits and push are those of
a node, in a home of the role `till`.

Owns: nothing by itself; its rooms are on floors: `cli`, `serving`, then `checkout`, `sweeping`,
`refunds`, `examining` and `charging`, then `cards`, `intake`, `records` and `config`.
Does not own: what a provider says and which lines must exist (`providers`), and which of them count
(`aggregator`).
"""
