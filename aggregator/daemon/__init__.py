"""The daemon: pulls without end, with services that run beside its loop.

Owns: the `loop`, what systemd is told (`presence`), reading the configuration again (`reload`),
what a person asks of it (`asked`), pushes to repos that are not registered (`unknown_pushes`),
webhooks that do not arrive (`missing_hooks`, `hook_watch`), the log of copying (`copied`), and the
`services` beside it.
Does not own: what the loop and the services call.
"""
