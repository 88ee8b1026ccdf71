"""Automatic payments: a saved card that is charged when the balance falls below a threshold.

Owns: asking the `till` of this machine, the `cards` that are kept, the `consent` that a card may be
charged, what may be settled about it (`settling`), where automatic payments stand and why
(`standing`), the same with what the till says (`state`), those of all accounts for staff
(`listing`), the `forms` of all this, and the `routes`.
Does not own: whether a card is charged (`gitmeter.money.topups` says, and a till of its own does
it), and which settings there are (`portal.api.customers.settings`).
"""
