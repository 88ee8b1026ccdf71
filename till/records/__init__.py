"""`till.db`: what a till remembers beside its lines; all of its SQL.

Owns: its tables (`schema.sql`), the index of the lines that exist already (`lines`), what is to be
asked about again and what went wrong (`marks`), checkouts and prompts (`checkouts`), requested
refunds (`requests`), whom providers keep cards for (`customers`), attempts to charge these
(`attempts`), and what charging has come to (`charging`).
Does not own: the lines themselves, which are in the spool and in git. Everything here can be made
again from those and from the providers: without the file the next sweep reads everything.
"""
