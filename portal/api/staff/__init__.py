"""What staff see and do.

Owns: accounts as a list (`listing`), one account as its customer sees it and more (`account`,
`seen`), suspending, reopening and opening accounts (`acts`), giving what templates allow
(`giving`), and the forms of what else staff do for an account (`forms`).
Does not own: the house as a whole (`portal.api.house`), who is staff (`access`), and whether what a
desk gives counts (`gitmeter.money`).
"""
