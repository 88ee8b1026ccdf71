"""Read-only queries of the ledger, each group in a shape of its own.

Owns: the rows behind answers for people (`reports`), behind the `digest`, behind `metrics` and
behind `notices`; lines about money (`payments`) and what a `journal` needs of them; charges one by
one (`exports`) and added up (`sums`), and those that are not rated in full (`unrated`); who may be
due for an automatic payment (`topups`), and what agreed to those that were made (`charged`).
Does not own: the rows that billing reads and writes (`aggregator.store` itself).
"""
