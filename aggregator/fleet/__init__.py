"""Many nodes: registered, set up on the forge, watched.

Owns: who is registered (`registry`, `registration_watch`), what the forge lists (`listing`,
`overview`), which repos are due (`sweep`), setting one up (`provision`, `repo_setup`, `node_keys`,
`node_commands`), what drifted (`drift`, `drift_check`).
Does not own: the forge's API (`forge`), the files of registrations (`config`).
"""
