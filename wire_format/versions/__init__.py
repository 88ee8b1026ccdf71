"""Version 2 of the lines beside version 1: which fields a line of a version and kind has.

Owns: the fields that version 2 adds (`field_types`), which of them each kind has (`kinds`), the
fields of each version one by one (`forms`, `narrower`), and rules across fields (`agreement`,
`agreement_2`).
Does not own: the structs that lines are decoded into (`wire_format.lines`).
"""
