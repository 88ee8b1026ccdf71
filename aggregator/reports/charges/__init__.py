"""One charge explained.

Owns: the answer (`explain`), its price with the line that states it (`price_answer`), what charges
are made of (`parts`), its sums (`charge_summary`) down to its lines (`counted_lines`).
Does not own: all charges of an account (`aggregator.reports.accounts`), printing (`cli`).
"""
