"""The operator's side of the ledger: payments, grants, refunds, decisions and the rule book.

The books are a node: the same spool, the same commits, the same push. Their repo has the role
`books`, carries money and decision lines in place of usage, and the files of the rule book under
`rules/`.

Start reading at `books.money` for what moves a balance, at `books.rule_book.rules` for prices, and
at `books.decisions` for what the operator says about lines, histories and incidents.
"""
