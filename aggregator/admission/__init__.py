"""Admission of what is new: segments and decisions judged by `gitmeter.counting`. Pure.

Owns: which lines may claim their key (`claims`), a segment in sums (`grouped`), what a batch
changes (`batch`), admitting usage (`admission`, `settlement`), collecting what tills and desks
wrote (`writers`).
Does not own: the rules between lines (`gitmeter.counting`), what a line costs (`rating`), reading
lines from git (`ledger`), SQL (`store`).
"""
