"""`portal serve`: the interface over HTTP, and what runs beside it.

Owns: the server and pushing (`service`), and what the ledger has read (`following`).
Does not own: answers (`api`).
"""
