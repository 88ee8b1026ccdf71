"""Who signed a commit: SSH signatures as git makes them, and the keys that may make them.

Owns: the one question that others ask (`verdict`), keys allowed (`allowed_signers`, `patterns`),
keys (`keys`, `signing_key`), the formats (`sshsig`, `ssh_wire`).
Does not own: whose commits are read (`aggregator.pulling`).
"""
