"""Who asks, and what they may.

Owns: what a request shows for itself (`shown`), whose a key is and what it opens (`holders`), what
scopes mean (`scopes`), limits for each key and for guessing (`buckets`), and whose network a
request comes from (`networks`).
Does not own: which lines about keys count (`gitmeter.money.accounts`).
"""
