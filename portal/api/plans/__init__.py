"""Plans: which are sold here, and buying one.

Owns: what may be bought (`catalogue`), `buying`, and the `forms` of both.
Does not own: which plan an account has (`gitmeter.money.plans`), and what follows on a period
(`portal.api.customers.settings`).
"""
