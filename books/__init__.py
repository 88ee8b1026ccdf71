"""The operator's side of the ledger: payments, grants, refunds, decisions and the rule book.

Owns: `money`, what may be recorded (`checks`, `account_money`, `errors`), who else writes about
money (`writers`), `decisions` and which of them are in force (`decision_status`), what was recorded
earlier (`earlier_lines`) and in which commit (`history`), the form of fields (`forms`), making the
books (`start`); in folders of their own: `known`, `grants`, `accounts`, `plans`, `rule_book`,
`bulk`, `answers`, `reconcile`.
Does not own: the spool, the commits and the push, which are a node's.
"""
