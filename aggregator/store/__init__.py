"""The databases: all SQL, one module for each group of tables.

Owns: the ledger as its callers see it (`store`), its file (`connection`, `schema`, `errors`), rows
of repos (`repo_rows`), lines (`line_rows`), segments (`segment_rows`), accounts (`account_rows`),
charges (`charge_rows`), money (`money_rows`), decisions (`decision_rows`) and incidents
(`incident_rows`); in `questions/` what is asked of them, in `outbox/` the notices to be delivered,
a database of their own.
Does not own: what a row means; the cursors, which `cursors.rows` keeps.
"""
