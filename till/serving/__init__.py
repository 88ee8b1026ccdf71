"""`till serve`: what strangers post, and what this machine asks for.

Owns: asking about each object once in a while however many events come (`asking`), the endpoint of
events (`hooks`), those of `checkouts` and `cards`, with what programs of this machine ask for
altogether (`local`), answers (`answers`), and both servers with what runs beside them (`service`).
Does not own: what is asked and written (`intake`), what is offered (`checkout`), what is kept of
cards (`cards`).
"""
