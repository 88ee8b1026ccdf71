"""Which lines count: the rules that the writer of a line and the aggregator both apply. Pure.

Owns: a line and its place (`lines`), sets of seqs as ranges (`ranges`), why a line does not count
(`held`), which of several rivals counts (`verdicts`), what lines are judged by besides each other
(`grounds`), the operator's decisions (`decisions`), what one money line states (`effects`).
Does not own: the form of a line (`wire_format`), applying the rules to what is new
(`aggregator.admission`), asking them before writing (`books`).
"""
