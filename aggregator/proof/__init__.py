"""The proof: the ledger is what git says.

Owns: making it again (`rebuild`), comparing it (`verify`), its `digest`.
Does not own: answers for people (`reports`).
"""
