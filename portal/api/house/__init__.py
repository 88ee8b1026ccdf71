"""The house as a whole, for staff.

Owns: revenue, what is owed, who runs out, the fleet (`reports`), every line about money and
accounts (`feed`), what came in (`cash`), the rule book and what another one would change (`rules`),
the forms of these (`forms`), and their `routes`.
Does not own: single accounts (`portal.api.staff`), what is true of them (`aggregator.reports`).
"""
