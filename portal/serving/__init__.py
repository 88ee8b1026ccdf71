"""`portal serve`: the interface over HTTP, and what runs beside it.

Owns: the server and pushing (`service`), and what is done as the ledger goes on (`following`).
Does not own: answers (`api`).
"""
