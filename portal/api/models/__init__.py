"""The forms of what is sent and answered.

Owns: times and amounts (`fields`), an account (`account`), keys (`keys`), and what services ask
(`allowed`).
Does not own: how answers are made.
"""
