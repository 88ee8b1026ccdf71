"""The daemon's HTTP endpoints: webhook, metrics, health.

Owns: the `listener` and its `application`, the `webhook` and the `hints` from it, `metrics`,
`health`, and the `pulse` of the loop.
Does not own: the HTTP server (`gitmeter.http_edge`).
"""
