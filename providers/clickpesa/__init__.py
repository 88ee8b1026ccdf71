"""ClickPesa, of Tanzania.

Owns: the `account`, requests within limits (`calls`), the sums over a body that stand for a
signature (`checksum`), and what its payments mean (`facts`).
Does not own: what is written because of it (`providers.expected`).
"""
