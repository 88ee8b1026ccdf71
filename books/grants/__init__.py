"""Grants with terms, which lie beside the pool, and what ends them.

Owns: the terms that somebody states (`terms`) and the line that they make beside what is there
(`lines`), and voids (`voids`).
Does not own: grants without terms and every other movement (`books.money`), and what a grant pays
for (`gitmeter.money`).
"""
