"""Commands that answer questions of bookkeepers.

Owns: how an answer with rows and a total is printed (`printing`), and the commands `usage`,
`revenue` and `liability` (`periods`).
Does not own: the answers (`aggregator.reports`).
"""
