"""`books reconcile`.

Owns: the command (`command`), and what it prints (`output`).
Does not own: comparing (`books.reconcile`).
"""
