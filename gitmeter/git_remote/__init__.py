"""Access to git servers: the git program under limits, addresses, probes, failures.

Owns: addresses and credentials (`remote`), running git (`runner`, `exchange`), reading and fetching
a branch (`branch`, `http_refs`), pushing (`push`), typed errors (`failures`), libgit2 without the
user's settings (`libgit2`).
Does not own: repos on our disk.
"""
