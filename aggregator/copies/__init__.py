"""The copy remote: everything that was billed, kept in another place.

Owns: what is kept there (`remote`), when it is written (`schedule`), what the ledger remembers of
that (`noted`), getting back what is lost (`recovery`).
Does not own: backups in a file (`backup`).
"""
