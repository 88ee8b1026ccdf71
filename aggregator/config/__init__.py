"""The configuration: one TOML file and the registrations of nodes.

Owns: reading it (`document` as TOML, `loading` into models), the model of the whole (`settings`)
and of its tables (`sections`, `repos`), a repo without pydantic (`known_repo`), a file to start
from (`example`), registrations (`registration`, `nodes_dir`), the names of repos on the forge
(`naming`) and which of them an address names (`place`).
Does not own: acting on any of it.
"""
