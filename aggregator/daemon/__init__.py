"""The daemon: pulls without end, with services that run beside its loop.

Owns: the `loop`, reading the configuration again (`reload`), what a person asks of it
(`asked`), and the `services` beside the loop.
Does not own: what the loop and the services call.
"""
