"""A fleet under virtual time, with a seed: nodes, books, a forge and one aggregator, and faults.

The operator writes money, decisions and rule files, and besides plans, grants with terms and voids;
after each step the ledger is compared with what the naive references make of the commits in git.
"""
