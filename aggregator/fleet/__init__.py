"""Many nodes: registering them, setting them up on the forge, watching them.

Owns: changed registrations (`registration_watch`), what the forge lists (`listing`, `overview`),
which repos are due (`sweep`), which of them a push is about (`pushed`), which repo is a registered
one (`identity`, `history`), reading one as billing does (`reading`), keys of nodes (`node_keys`)
and of the forge (`known_hosts`), rules for branches (`protection`), setting nodes up (`setup/`),
differences on the forge (`drift/`).
Does not own: the forge's API (`forge`), the files of registrations (`config`).
"""
