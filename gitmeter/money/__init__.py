"""What money lines move: the rules that every writer of money and the aggregator apply. Pure.

Every result is a function of the set of lines, whatever order they come in.

Owns: how providers name their movements (`names`), the commits of a writer (`lineage`), what its
place lets a writer state (`places`), what the operator confirmed, saw and cut off (`confirmed`),
which lines of one till or desk stand (`writer`, with the sums of `prefix_sums`; what else holds for
desks is in `desks`), which of several writers' lines about one movement counts (`rivals`), what an
account has (`pool`) and since when it has paid (`tenure`), what credit with terms is (`granted`)
and which lines give or end it (`grants`), what is settled about accounts (`accounts`), which
plan an account has in each hour (in `plans`), and why a line is held (`reasons`).
Does not own: the form of a line and of the rules (`wire_format`), what one line states and rivals
under one key (`gitmeter.counting`), rows (`aggregator.store`).
"""
