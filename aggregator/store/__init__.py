"""The ledger's database: all SQL, one module for each group of tables.

Owns: `connection` and its `snapshot`, rows of repos (`repo_rows`), segments (`segment_rows`),
charges (`charge_rows`), money (`money_rows`), decisions (`decision_rows`) and incidents
(`incident_rows`), and what is asked of them: `answer_rows`, `digest_rows`, `metrics_rows`,
`notice_rows`.
Also the notices to be delivered, in a database of their own (`outbox`).
Does not own: what a row means; the cursors, which `cursors.rows` keeps.
"""
