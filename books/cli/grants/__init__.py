"""`books grant` and `books void`: credit that the operator gives, and ends.

Owns: one module for each of the two (`grant`, `void`).
Does not own: what may be recorded (`books.money`, `books.grants`).
"""
