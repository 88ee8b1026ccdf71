"""The daemon: pulls without end, with services that run beside its loop.

Owns: the `loop` and the `services` that run beside it.
Does not own: what the loop and the services call.
"""
