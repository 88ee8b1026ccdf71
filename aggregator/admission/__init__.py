"""Which lines count, each of them once: pure functions over sets of lines.

Owns: a line and its place (`lines`), which lines may claim their key (`claims`), sets of seqs as
ranges (`ranges`), what a batch changes (`batch`), what is not billed and why (`held`), which of
several rivals counts (`verdicts`), the operator's decisions (`decisions`), admitting usage
(`admission`, `settlement`) and money (`money_lines`).
Does not own: what a line costs (`rating`), reading lines from git (`ledger`), SQL (`store`).
"""
