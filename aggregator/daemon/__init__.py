"""For ever: pull, tend, listen.

Owns: the `loop` and the `services` that run beside it.
Does not own: what it calls.
"""
