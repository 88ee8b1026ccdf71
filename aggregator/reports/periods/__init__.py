"""Answers about a stretch of time: what was used, earned and owed.

Owns: what a `period` is, the form of an answer with rows and a total (`report`), `usage`, also by
the nodes that wrote it (`writers`), `revenue`, what is owed to customers (`liability`), what ended
grants had left (`breakage`), who is `running_out`, and what changed in balances since an earlier
ledger (`changes`).
Does not own: sums of charges (`store.questions.sums`), printing (`cli.reports`).
"""
