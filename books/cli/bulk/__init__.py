"""`books pay -` and the like: many movements from standard input.

Owns: their options (`options`), the command (`command`), what is said of the rows (`report`).
Does not own: reading, judging and recording rows (`books.bulk`).
"""
