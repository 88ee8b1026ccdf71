"""The operator's side of the ledger: payments, grants, refunds, corrections and the rule book.

The books are a node: the same spool, the same commits, the same push. Their repo has the role
`books`, carries money lines in place of usage, and the files of the rule book under `rules/`.

Start reading at `books.money` for what moves a balance and at `books.rules` for prices.
"""
