"""From the spool to the aggregator: push at once, and tell.

Owns: pushing in the background while a till serves (`pusher`), pushing once (`once`), and telling
an aggregator of it (`hint`).
Does not own: commits and pushes themselves, which are a node's.
"""
