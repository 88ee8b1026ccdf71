"""How a till is: what waits, what fails, and what is wrong with its accounts.

Owns: its `status`, and the checks of its accounts and files (`checks`) for `till doctor`.
Does not own: the checks of its home, which are a node's.
"""
