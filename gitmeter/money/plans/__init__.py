"""Plans of accounts: which lines settle them, and what that means for each hour. Pure.

Every result is a function of the set of lines, whatever order they come in.

Owns: what a plan line states and what it means while it is in force (`periods`), which lines count
(`plan_lines`) and why another does not (`plan_faults`), the money that an account had before a
commit (`money_before`), what an account has in each hour, what that costs and what credit it gives
(`timeline`).
Does not own: what plans are (`wire_format.plans`), limits of desks on fees and other money
(`gitmeter.money`), how included units and credits are used up (`aggregator.rating`).
"""
