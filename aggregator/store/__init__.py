"""The databases: all SQL, one module for each group of tables.

Owns: the `connection`, rows of repos (`repo_rows`), lines (`line_rows`), segments
(`segment_rows`), charges (`charge_rows`), money (`money_rows`), decisions (`decision_rows`) and
incidents (`incident_rows`), what is asked of them (`answer_rows`, `digest_rows`, `metrics_rows`,
`notice_rows`), and in `outbox/` notices to be delivered, in a database of their own.
Does not own: what a row means; the cursors, which `cursors.rows` keeps.
"""
