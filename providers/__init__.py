"""Payment providers behind one small interface: what is true of a payment, and how one begins.

Owns: the `interface`, what is done with saved `cards` and the `consents` to it, the signed promise
on a payment (`tag`), the lines that must exist (`expected`), and `opening` an account.
Does not own: what is written down, when a provider is asked (`till`), what is compared (`books`),
and which lines count (`gitmeter`, `aggregator`).
"""
