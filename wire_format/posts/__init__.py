"""What programs of ours post to each other: forms; pure.

Owns: what a till that charges is told of accounts below their threshold (`topup_due`).
Does not own: sending and taking posts.
"""
