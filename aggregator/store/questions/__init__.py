"""What is asked of the ledger as it is: read-only, each in its own shape.

Owns: the rows behind answers for people (`reports`), behind the `digest`, behind `metrics` and
behind `notices`.
Does not own: the rows that billing reads and writes, which are beside this folder.
"""
