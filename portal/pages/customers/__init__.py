"""Pages of customers.

Owns: signing in and out (`entering`), also with an issuer (`vouching`), opening an account
(`signing_up`), the `overview`, `usage` with its `chart`, `charges`, `payments` and adding credit,
the `plan`, `settings`, `keys`, `statements`, and what was settled lately (`activity`).
Does not own: what is true of an account (`portal.api.customers`).
"""
