"""Many nodes: registering them, setting them up on the forge, watching them.

Owns: the registered nodes (`registry`, `registration_watch`), what the forge lists (`listing`,
`overview`), which repos are due (`sweep`), setting up a node (`provision`, `repo_setup`,
`node_keys`, `node_commands`), drift (`drift`, `drift_check`).
Does not own: the forge's API (`forge`), the files of registrations (`config`).
"""
