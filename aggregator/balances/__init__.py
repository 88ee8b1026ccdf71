"""What accounts have at an instant: their money, what they used, what is left of their grants.

Owns: the figures of an account as it is (`funds`) and at an earlier instant (`earlier`), its
grants and plans (`terms`), accounts with what they `used`, and which have less than an amount
(`low`).
Does not own: what a grant is at an instant (`rating.standing`), rows (`store`), answers for people
and programs (`reports`).
"""
