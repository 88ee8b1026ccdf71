"""The databases: all SQL, one module for each group of tables.

Owns: the interface to the ledger (`store`), its database file (`connection`, `schema`, `errors`),
the rows of repos (`repo_rows`), lines (`line_rows`), segments (`segment_rows`), accounts
(`account_rows`) with the nodes that wrote their usage (`account_node_rows`), decisions
(`decision_rows`) and incidents (`incident_rows`); in `charges/` those of charges, in `money/` those
of money, in `questions/` the read-only queries, in `takeover/` what a rebuilt ledger takes over, in
`outbox/` the database of notices.
Does not own: what a row means; the cursors (`cursors.rows`).
"""
