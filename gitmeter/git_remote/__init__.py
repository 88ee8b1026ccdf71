"""Talking to a git server: the git program under limits, addresses, probes, failures.

Owns: what a remote is (`remote`), running git (`runner`, `exchange`), a branch there (`branch`,
`http_refs`), pushing (`push`), what can go wrong (`failures`).
Does not own: repos on our disk.
"""
