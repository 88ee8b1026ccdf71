"""HTTP under limits, as a client and as a server.

Owns: the client (`client`, its `connections`, the `authorities` it trusts and the `proxies` it goes
through), the `server`, whose connections (`served_connection`) carry `whole_requests`, and its
`address` (`address_text`: how one is written), tokens and shared secrets in files (`word_file`,
`secret_file`), and the `signature` of a body by such a secret.
Does not own: the content of requests and responses.
"""
