"""From commits to one transaction: charges, balances and the cursor.

Owns: one repo from its cursor towards its head (`ingest`), the transaction (`ledger`), reading
segments (`segments`), lines billed before (`known_lines`, `rejudge`), rule books in force
(`rule_files`), tips whose transaction is done (`applied`).
Does not own: which lines count (`admission`), what they cost (`rating`), SQL (`store`).
"""
