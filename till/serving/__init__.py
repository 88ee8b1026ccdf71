"""`till serve` and `till charge`: what strangers post, and what this machine and ours ask for.

Owns: asking about each object once in a while however many events come (`asking`), the endpoint of
events (`hooks`), that of checkouts (`checkouts`), answers (`answers`), both servers with what
runs beside them (`service`); who is due (`due`), and its server with what charges (`charging`).
Does not own: what is asked and written (`intake`), what is offered (`checkout`).
"""
