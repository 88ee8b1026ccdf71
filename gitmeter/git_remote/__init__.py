"""Access to git servers: the git program under limits, addresses, probes, failures.

Owns: addresses and credentials (`remote`), running git (`runner`, `exchange`) and its least version
(`git_version`), reading and fetching a branch (`branch`, `http_refs`) and what it has gained
(`gained`, `http_pack`), pushing (`push`), typed errors (`failures`, `host_keys`), a server's own
sentence (`server_words`), how libgit2 opens repos (`libgit2`).
Does not own: repos on our disk.
"""
