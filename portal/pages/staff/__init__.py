"""Pages of staff: to anybody else they are not there.

Owns: the `table` of these pages and their `menu`, the house's `money`, `accounts` as a list, one
`account` with everything, what staff do to one (`acts`, `keys`), `automatic` payments, the `fleet`,
`prices` and what others would change, and the `feed` of every line.
Does not own: who is staff and what a role opens (`portal.access`), what is answered (`portal.api`).
"""
