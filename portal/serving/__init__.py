"""`portal serve`: the interface over HTTP, and what runs beside it.

Owns: the server, pushing, and forgetting what the ledger has read (`service`).
Does not own: answers (`api`).
"""
