"""What the books know about money: their own lines that concern a new one.

Owns: all money lines, to be asked for those (`money`), and many refunds of one payment as few
lines (`refunds`).
Does not own: reading lines (`books.earlier_lines`), and what they mean for a new one
(`books.checks`).
"""
