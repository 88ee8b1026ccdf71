"""Charges as a FinOps FOCUS 1.2 dataset (Cost and Usage).

Owns: its `columns`, what a price is there (`skus`), and the `rows`.
Does not own: what charges are made of (`reports.charges.parts`), writing files (`cli.export`).
"""
