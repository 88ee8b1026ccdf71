"""Pages of customers.

Owns: signing in and out (`entering`), also with an issuer (`vouching`), the `overview`.
Does not own: what is true of an account (`portal.api.customers`).
"""
