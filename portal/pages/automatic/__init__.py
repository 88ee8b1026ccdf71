"""Pages of automatic payments, for customers.

Owns: what is on and why nothing is charged (`shown`), switching on and off, agreeing at the
provider and removing a card (`changing`), and the `table` of these pages.
Does not own: where they stand (`portal.api.automatic`), and the same for staff (`staff`).
"""
