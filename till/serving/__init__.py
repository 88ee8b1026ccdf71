"""`till serve` and `till charge`: what strangers post, and what this machine and ours ask for.

Owns: asking about each object once in a while however many events come (`asking`), the endpoint of
events (`hooks`), those of `checkouts` and `cards`, with what programs of this machine ask for
altogether (`local`), answers (`answers`), and both servers with what runs beside them (`service`);
who is due (`due`), and its server with what charges (`charging`).
Does not own: what is asked and written (`intake`), what is offered (`checkout`), what is kept of
cards (`cards`), and what is charged (`charging`, the room).
"""
