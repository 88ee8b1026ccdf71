"""Reading all repos: fetch, judge the head, bill what is new.

Owns: one pass over all repos (`passes`) in turns (`turns`), one repo in a pass (`repo_pass`),
fetching (`fetching`), whether anybody answers (`answering`), who may sign (`signatures`),
recording what was billed (`recording`).
Does not own: billing itself (`ledger`).
"""
