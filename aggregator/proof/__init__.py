"""The proof: the ledger is what git says.

Owns: making it again (`rebuild`), comparing it (`verify`), its `digest`, the limits it was made
under (`judged_under`), `opening` it when it may be trusted.
Does not own: answers for people (`reports`).
"""
