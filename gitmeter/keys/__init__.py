"""Keys with which programs of customers and services show whose they are.

Owns: the form of a `secret`, making one, and its name.
Does not own: which key opens what (`gitmeter.money.accounts`), and writing lines about keys.
"""
