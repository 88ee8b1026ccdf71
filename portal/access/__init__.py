"""Who asks, and what they may.

Owns: what a request shows for itself (`shown`), who asks and what it opens for them (`holders`),
what scopes mean (`scopes`), limits for each key and for guessing (`buckets`), whose network a
request comes from (`networks`), and who is signed in at the pages (`sessions`).
Does not own: which lines about keys count (`gitmeter.money.accounts`).
"""
