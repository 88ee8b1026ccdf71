"""Measurements of prices by tiers, plans and grants.

Owns: `__main__`, what they cost a rebuild (`rebuilds`), what a late record costs (`late`) in an
account of any age (`account`), and one for each of many accounts (`dated_back`).
Does not own: books without any of them (`benchmarks`).
"""
