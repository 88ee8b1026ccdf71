"""What usage costs: pure functions of quantities, prices and tenure.

Owns: what units cost under one price (`tariff`) and for how long they are counted on (`windows`),
the discount ladder (`discounts`), the cost of a charge and its one rounding (`rating`), that of
many charges at once (`columns`), and of all of one resource (`series`) or account (`account`);
what a charge is made of (`shares`), which units a plan includes (`included`), which grant pays for
which charge (`drawing`), and what a grant is at an instant (`standing`).
Does not own: which price is in force (`gitmeter.pricing`), which lines count (`admission`), storing
charges (`store`).
"""
