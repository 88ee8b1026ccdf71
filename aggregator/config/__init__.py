"""The configuration: one TOML file and the registrations of nodes.

Owns: reading it (`document` before the models, `loading` with them), the whole of it (`settings`)
and its tables (`sections`, `repos`), a file to start from (`example`), registrations
(`registration`, `nodes_dir`) and how forge repos are named (`naming`).
Does not own: acting on any of it.
"""
