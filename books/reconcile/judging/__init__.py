"""What answers of providers mean for lines. Pure.

Owns: what lines need and which movements they are (`lines`, `users`), what tills promised
(`promises`), whether a line agrees (`compare`) and, of a charged card, somebody had agreed to that
(`charges`), what that means for an account
(`verdicts`), from what agrees to decisions (`runs`), which tips are seen (`seen`), differences in
words (`advice`), what a run leaves for the next (`memory`).
Does not own: asking (`books.reconcile.asking`), files.
"""
