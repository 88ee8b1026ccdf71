"""Admission of what is new: segments and decisions judged by `gitmeter.counting`. Pure.

<<<<<<< /tmp/w/mv/aggregator/admission/__init__.py
Owns: which lines may claim their key (`claims`), what a batch changes (`batch`), admitting usage
(`admission`, `settlement`).
Does not own: the rules between lines (`gitmeter.counting`), what a line costs (`rating`), reading
lines from git (`ledger`), SQL (`store`).
=======
Owns: a line and its place (`lines`), which lines may claim their key (`claims`), sets of seqs as
ranges (`ranges`), what a batch changes (`batch`), what is not billed and why (`held`), which of
several rivals counts (`verdicts`), the operator's `decisions`, what else lines are judged by
(`grounds`), admitting usage (`admission`, `settlement`) and money (`money_lines`).
Does not own: what a line costs (`rating`), reading lines from git (`ledger`), SQL (`store`).
>>>>>>> /tmp/mf_n
"""
