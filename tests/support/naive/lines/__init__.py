"""Lines judged one by one and against each other, before any sum is made.

Owns: what a writer may write, which line stands under a number, what waits, and rivals.
Does not own: grants, plan lines and accounts, which have rules of their own beside these.
"""
