"""What usage costs: pure functions of quantities, prices and tenure.

Owns: prices in force (`price_book`), the discount ladder (`discounts`), the cost of a charge and
its one rounding (`rating`), and that of many charges at once (`columns`).
Does not own: which lines count (`admission`), storing charges (`store`).
"""
