"""Which price of a rule book is in force; for whoever changes prices and whoever rates by them.

Owns: the look-up by resource, account, category and hour (`price_book`).
Does not own: the file (`wire_format.rule_files`), what a charge costs (`aggregator.rating`).
"""
