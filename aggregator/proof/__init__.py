"""The proof that the ledger is what git says.

Owns: computing it again (`rebuild`), repos side by side (`replay`), also as it was (`past`),
comparing it with git (`verify`), its `digest`, the limits it was made under (`judged_under`),
`opening` it if it can be trusted.
Does not own: answers for people (`reports`).
"""
