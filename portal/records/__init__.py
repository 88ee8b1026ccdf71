"""What a portal remembers beside its lines; all of its SQL.

Owns: the tables of `portal.db` (`schema.sql`), the lines of its desk that no ledger has read yet
(`unbilled`), accounts that people opened for themselves (`sign_ups`), the key of what it seals
(`seal`), who is signed in (`sessions`); and `identities.db`: which account a person has whom an
issuer vouches for (`identities`).
Does not own: the lines themselves, which are in the spool and in git, and from which `portal.db`
can be made again; people then sign in again.
"""
