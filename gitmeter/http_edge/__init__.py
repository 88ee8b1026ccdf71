"""HTTP under limits, as a client and as a server.

Owns: the client (`client`, its `connections` and the `authorities` it trusts), the `server` and its
`address`, shared secrets (`secret_file`).
Does not own: the content of requests and responses.
"""
