"""Where the forge differs from what was set up there.

Owns: how each repo should be (`expected`), the kinds of differences (`differences`), asking the
forge about all of it (`comparison`), doing so once a day (`daily_check`).
Does not own: correcting a difference (`setup`).
"""
