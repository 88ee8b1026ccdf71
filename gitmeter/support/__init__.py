"""What every program needs at its edge.

Owns: `errors` with a hint and an exit code, the `entry` of every program, the `terminal` and
`progress`, `files` that last, secret words (`word_file`), pauses between tries (`backoff`).
Does not own: anything that knows what gitmeter is about.
"""
