"""From a provider to balances: payments that tills tell of, judged, against the provider's books.

`site` has the provider, tills that ask it, and the lines that they write; `history` is what happens
there, at random or told; `thief` has a till's key. `broken` has tills and rules that are wrong.
"""
