"""The copy remote: everything that was billed, kept at another place.

Owns: its refs (`remote`), when they are pushed (`schedule`), what the ledger records of that
(`noted`), recovering lost commits from it (`recovery`).
Does not own: backups in a file (`backup`).
"""
