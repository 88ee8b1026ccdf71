"""What was settled about an account lately, and by whom.

Owns: the answer (`lately`) and its form (`forms`).
Does not own: what is in force (`portal.api.customers`), money from providers
(`portal.api.customers.payments`).
"""
