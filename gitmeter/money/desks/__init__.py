"""What a desk may do for customers, and how much of it: judged without trusting the desk. Pure.

A desk faces strangers, so its key will be stolen one day. Its place is checked as that of a till,
and what it gives must follow a template of the operator's, within budgets that are summed up in the
order of its own numbers.

Owns: what a desk may write besides the kinds of its role (`desk_place`), the templates of grants
and adjustments (`templates`), what its lines are summed up with and up to what (`budgets`), what is
left of the payments that a template asks for (`paid`), and which of its lines stand (`desk`).
Does not own: numbers and commits, which tills have too (`gitmeter.money.writer`), which of several
writers' lines count (`gitmeter.money.rivals`), what grants, voids and account lines then come to
(`gitmeter.money.grants`, `gitmeter.money.accounts`), and plans but for the fees of a day.
"""
