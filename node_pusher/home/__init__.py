"""A home: the folder that makes a machine a node, a till or a desk, or the keeper of the books.

Owns: where its files are (`layout`), its settings (`settings`, `settings_file`, `repo_place`) and
the value that both make (`home`), what its repos note about themselves (`known_repos`), its signing
key (`own_key`), its lock (`locks`), what can be wrong with it (`errors`), the commands for a repo
that has moved (`new_address`).
Does not own: the records that wait in it (`spool`) and the commits made of them (`sending`).
"""
