"""What a program that runs for long says of itself.

Owns: where logs go, and in which form (`setup`).
Does not own: what is logged.
"""
