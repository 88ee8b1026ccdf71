"""From commits to one transaction: charges, balances and the cursor.

Owns: one repo from its cursor towards its head (`ingest`, `pending`), the transaction (`ledger`),
in `charges/` and `money/` what it does to charges and balances, reading segments (`segments`),
finding and judging earlier lines again (`known_lines`, `seen_seqs`, `rejudge`, `repriced`), the
rule book in force (`rule_book`) and at a commit (`rule_files`), the `limits` that lines were judged
under, what is and was applied (`applied`).
Does not own: which lines count (`admission`), what they cost (`rating`), SQL (`store`).
"""
