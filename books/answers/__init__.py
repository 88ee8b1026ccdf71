"""Answers of the aggregator, which come to the books through a pipe.

Owns: reading one within bounds, and how old it may be (`answer`).
Does not own: what is in it (`books.plans.due`, `books.reconcile.report`), nor the answer of
`aggregator reprice`, which a file may have too (`books.rule_book.repriced`).
"""
