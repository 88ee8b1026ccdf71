"""Up to which commit each repo was read, and what a new head means.

Owns: judging a head (`position`, pure), the rows (`rows`), the accepted tips (`tips`).
Does not own: reading commits, and what they say.
"""
