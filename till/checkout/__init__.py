"""Offering a customer a way to pay, within limits.

Owns: reading what is asked for (`asked`, pure), what is charged for it (`amounts`, pure), how much
a customer may ask for (`limits`, pure), refusals (`problems`), and the `offer` itself.
Does not own: the HTTP around it (`serving`), and what becomes of the payment (`intake`).
"""
