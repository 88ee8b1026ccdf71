"""What the repos of a home carry.

Owns: each `role`, with the program that works on its homes and the folder where these are.
Does not own: which lines a repo of a role may carry (`aggregator.ledger`), and the homes.
"""
