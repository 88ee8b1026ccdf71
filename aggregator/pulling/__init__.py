"""Reading all repos: fetch, judge the head, bill what is new.

Owns: one pass over all repos in turns (`passes`), one repo in a pass (`repo_pass`), fetching
(`fetching`), who may sign (`signatures`).
Does not own: billing itself (`ledger`).
"""
