"""The forms of what is sent and answered.

Owns: times and amounts (`fields`), stretches of time and pages (`spans`), an account (`account`),
its `usage`, `charges`, `payments`, `statements` and `settings`, keys (`keys`), what services ask
(`allowed`), payments that begin (`topups`), what staff see and send (`staff`), and refusals
(`problem`).
Does not own: how answers are made.
"""
