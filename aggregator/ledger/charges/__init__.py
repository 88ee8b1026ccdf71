"""Charges: what changed lines, prices and payments do to them.

Owns: charges one by one (`charging`), thousands of new ones at once (`columns`), those of several
nodes together (`gathering`), what a change moves of other charges of its account (`following`) and
of one series (`series`), what grants pay (`draws`) and what that is after a change (`redrawing`),
what is not billed in full (`changed`).
Does not own: what a charge costs (`aggregator.rating`), balances (`money`), SQL (`store`).
"""
