"""How a till is: what waits, what fails, and what is wrong with its accounts.

Owns: its `status`, the checks of its accounts and files (`checks`) for `till doctor`, and for both
how long commits have waited for their push (`waiting`).
Does not own: the checks of its home, which are a node's.
"""
