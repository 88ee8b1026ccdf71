"""One charge explained.

Owns: the answer (`explain`), its price with the line that states it (`price_answer`), its sums
(`charge_summary`) down to its lines (`counted_lines`).
Does not own: all charges of an account (`aggregator.reports.accounts`), printing (`cli`).
"""
