"""Commands that answer questions of bookkeepers.

Owns: how an answer with rows and a total is printed (`printing`), the commands `usage`, `revenue`
and `liability` (`periods`), `statement` and `changes`.
Does not own: the answers (`aggregator.reports`).
"""
