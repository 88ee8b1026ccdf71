"""Plans of accounts, as the books settle and renew them.

Owns: the plans of the rule book and the books' own plan lines (`known`), settling a plan
(`settling`) and listing what is settled (`listing`), renewing what the aggregator says is due
(`due`, `renewal`), and which changes of plans.toml would change the past (`guard`).
Does not own: which line counts (`gitmeter.money.plans`), the file (`wire_format.rule_files`), and
what is affordable, which the aggregator says.
"""
