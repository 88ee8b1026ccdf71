"""What other programs take over: rows with exact values, streamed.

Owns: the form of a table (`table`), every charge (`charges`) and every line of money (`payments`)
as they are, charges as FinOps FOCUS has them (`focus/`), and a journal of double entries
(`journal/`).
Does not own: reading charges (`store.questions.exports`), writing files (`cli.export`).
"""
