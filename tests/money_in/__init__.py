"""From a provider to balances: payments that tills tell of, judged, against the provider's books.

`site` has the provider and tills that write lines of it (`tills`); `history` is what happens there
at random, `told` are small histories, `thief` has a till's key, and `broken` has mistakes.
"""
