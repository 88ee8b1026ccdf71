"""The SQLite file: all SQL of the aggregator is in this folder.

`schema.sql` is the schema, `connection` opens the file and its one write transaction, `charges`,
`money`, `evidence` and `incidents` read and write the ledger, `ledger_rows` are what the digest is
taken over, and `reports` answers questions of people.
"""
