"""What accounts have beside money: grants and plans.

Owns: `grants` with what is left of each and the line that states it (`stated`), what a plan allows
(`entitlements`), whether a resource may be used now (`allowed`), whether a desk may sell a plan
(`selling`), and which plans are to be renewed (`due`) as which (`renewal`).
Does not own: the figures (`aggregator.balances`), printing (`cli`), writing lines (`books`).
"""
