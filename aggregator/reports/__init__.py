"""Answers for people and programs, read from the ledger.

Owns: `accounts` and what answers about them stand on (`basis`), `payments` and `repos`, in
`charges/` one charge explained, in `terms/` grants and plans, in `periods/` what was used, earned
and owed, in `statements/` one account in a period, in `exports/` rows for other programs, decisions
that were taken (`decisions`) and that could be (`proposals`, `remedies`), what they would change
(`preview`), rewritten histories (`rewrites`), the effect of other prices (`reprice`), usage that is
not billed in full (`unrated`), automatic payments (`topups`).
Does not own: printing (`cli`), SQL (`store`).
"""
