"""Reading all repos: fetch, judge the head, bill what is new.

Owns: all repos in turns (`passes`), one repo (`repo_pass`), fetching (`fetching`), who may sign
(`signatures`).
Does not own: billing itself (`ledger`).
"""
