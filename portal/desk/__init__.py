"""The desk whose lines a portal writes.

Owns: an open `desk`, and writing lines of it.
Does not own: which lines a desk may write (`gitmeter.money.desks`), the spool and its pushes
(`node_pusher`, `front`).
"""
