"""Repos on our own disk: mirrors, archives, and the state directory around them.

Owns: the directory, its lock and what it knows (`state`), a bare repo and its limits (`mirror`,
`limits`), what commits add (`commit_delta`, `tree_diff`), packing (`gc`), repos put away
(`archives`, `bundles`).
Does not own: fetching (`pulling`), what lines mean (`ledger`).
"""
