"""A home: the folder that makes a machine a node, or the keeper of the books.

Owns: its settings and layout (`settings`, `repo_place`), the repos found in it (`known_repos`),
its signing key (`own_key`), its locks (`locks`), what can be wrong with it (`errors`).
Does not own: the records that wait in it (`spool`) and the commits made of them (`sending`).
"""
