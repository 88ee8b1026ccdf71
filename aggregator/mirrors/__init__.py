"""Repos on our own disk: mirrors, archives, and the state directory around them.

Owns: the directory and its lock (`state`), which repos there are (`known_repos`), their `mirrors`,
a bare repo and its limits (`mirror`), what commits add (`commit_delta`, `tree_diff`), packing
(`gc`), repos put away (`archives`, `bundles`, `saved_repo`).
Does not own: fetching (`pulling`), what lines mean (`ledger`), the database (`store`).
"""
