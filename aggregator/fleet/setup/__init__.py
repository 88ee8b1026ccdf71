"""Sets nodes up on the forge, changes them, and finds their repos there.

Owns: the actions on nodes (`provision`), which repo they work on (`choosing`), certainty about it
(`locating`), the steps on one repo (`repo_setup`), the registrations meanwhile (`registry`), the
command for the node (`node_commands`), repos of `[[repo]]` tables (`tables`), a forge that was
moved or restored (`moving`).
Does not own: what differs on the forge (`drift`), the forge's API (`forge`).
"""
