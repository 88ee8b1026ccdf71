"""What staff see and do.

Owns: accounts as a list (`listing`), one account as its customer sees it and more (`account`),
suspending, reopening and opening accounts (`acts`), giving what templates allow (`giving`), and the
house as a whole: revenue, what is owed, the fleet (`house`).
Does not own: who is staff (`access`), and whether what a desk gives counts (`gitmeter.money`).
"""
