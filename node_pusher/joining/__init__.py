"""Which repo a home writes to: making a home, joining again, rolling over, following a move.

Owns: `init` and what it reads or claims on the remote (`remote_history`, `epoch_claim`, `trust`,
`carry_over`), `init` in a folder that is a home already (`existing_home`) or was restored from
before its rollover (`previous_repo`), `rollover`; the same repos at another address (`set_remote`,
`standing`).
Does not own: the hourly push (`sending`).
"""
