"""The copy remote: everything that was billed, kept in another place.

Owns: what is kept there (`remote`), when it is written (`schedule`), getting back what is lost
(`recovery`).
Does not own: backups in a file (`backup`).
"""
