"""`till refund`: giving money back, once.

Owns: what is left of a payment (`left`, pure), and the `refund` itself.
Does not own: the requests on disk (`records`), and the line of the refund, which is written as any
other movement (`intake`).
"""
