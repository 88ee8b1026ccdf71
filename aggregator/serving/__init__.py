"""What the daemon answers over HTTP: webhooks, metrics, health.

Owns: the `listener` and its `application`, `webhook` and the `hints` it gives, `metrics`, `health`
and the `pulse` of the loop.
Does not own: the HTTP server (`gitmeter.http_edge`).
"""
