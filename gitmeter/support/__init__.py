"""What every program needs at its edge.

Owns: how every program starts and ends (`start`, `entry`), groups of commands that are imported
late (`lazy_group`), `errors` with a hint and an exit code, the `terminal` and `progress`, `files`
that last, secret words (`word_file`), pauses between tries (`backoff`).
Does not own: anything that knows what gitmeter is about.
"""
