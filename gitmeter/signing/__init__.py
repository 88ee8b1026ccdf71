"""SSH signatures of commits as git makes them, and the keys that may sign.

Owns: verification of a commit (`verdict`), the allowed keys (`allowed_signers`, `patterns`), keys
(`keys`, `signing_key`), the formats (`sshsig`, `ssh_wire`).
Does not own: which commits are verified (`aggregator.pulling`).
"""
