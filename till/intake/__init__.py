"""From what a provider says to lines in the spool.

Owns: an open till (`till`), which lines are missing (`missing`, pure), what a
customer consented to (`consents`, pure), and asking a provider and
writing what is missing (`intake`).
Does not own: when a provider is asked (`serving`, `sweeping`), what must exist
(`providers.expected`), pushing (`sending`).
"""
