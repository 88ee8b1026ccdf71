"""Repos on our own disk: mirrors, archives, and the state directory around them.

Owns: the directory and its lock (`state`), which repos there are (`known_repos`), their `mirrors`,
one mirror and its limits (`mirror`), what one has below commits (`ancestry`), what a commit
adds (`commit_delta`, `tree_diff`), packing (`gc`), what killed programs left (`leftovers`),
archives (`archives`, `bundles`, `saved_repo`).
Does not own: fetching (`pulling`), what lines mean (`ledger`), the database (`store`).
"""
