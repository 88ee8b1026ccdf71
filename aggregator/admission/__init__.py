"""Which lines count, and once: pure functions over sets of lines.

Owns: a line and its place (`lines`), which lines may claim their key (`claims`), the sets of
numbers already seen (`ranges`), what a batch changes (`batch`), what is not billed and why
(`held`), what counts of rivals (`verdicts`), the operator's decisions (`decisions`), usage
(`admission`, `settlement`) and money (`money_lines`).
Does not own: what a line costs (`rating`), reading lines from git (`ledger`), SQL (`store`).
"""
