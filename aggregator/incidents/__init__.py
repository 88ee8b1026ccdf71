"""Incidents: conditions that need a person's attention.

Owns: their `kinds`, the `advice` on each, opening and closing them (`filing`), those about payments
and refunds (`money`) and about lines of tills and desks (`writers`), nodes that push nothing
(`silence`), usage that is not billed in full (`unrated`).
Does not own: their rows (`store`), their delivery (`notices`).
"""
