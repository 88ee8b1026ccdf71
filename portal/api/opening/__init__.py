"""Accounts that people open for themselves.

Owns: opening one, within the limits of the operator, and the credit for it (`sign_up`).
Does not own: accounts that staff open (`portal.api.staff`), pages (`portal.pages`).
"""
