"""`till serve`: what strangers post, and what this machine asks for.

Owns: asking about each object once in a while however many events come (`asking`), the endpoint of
events (`hooks`), that of checkouts (`checkouts`), answers (`answers`), and both servers with what
runs beside them (`service`).
Does not own: what is asked and written (`intake`), what is offered (`checkout`).
"""
