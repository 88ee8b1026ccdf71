"""Who signed a commit: SSH signatures as git makes them, and the keys an operator allows.

Read `verdict.py` first: it answers the one question that the other rooms ask.
"""
