"""`portal.db`: what a portal remembers beside its lines; all of its SQL.

Owns: its tables (`schema.sql`), the lines of its desk that no ledger has read yet (`unbilled`), and
the key of what it seals (`seal`).
Does not own: the lines themselves, which are in the spool and in git, and from which the file can
be made again.
"""
