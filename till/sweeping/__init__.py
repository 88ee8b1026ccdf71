"""`till sweep`: finding by itself what no event told.

Owns: the `sweep`.
Does not own: what is asked and written about one object (`intake`).
"""
