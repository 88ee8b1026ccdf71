"""A second, naive reading of the money design: slow, plain, and sharing no code with the product.

Owns: the answer to one worked case (which lines count, charges, grants, plans, balances), reckoned
with exact fractions from nothing but the case, and the making of random cases.
Does not own: reading repos, any product module, and how fast an answer is.
"""
