"""Tests of automatic payments at the portal.

Owns: the `till` that a portal asks and what it says, lines of tills in a ledger (`purse`), what is
settled and switched off (`test_settling`), where they stand (`test_standing`), saved cards and
consents (`test_cards`), the pages (`test_pages`), what staff see (`test_staff`), and all programs
together, from the pages to a charged card and back (`test_whole_way`).
Does not own: the rules by which a card is charged.
"""
