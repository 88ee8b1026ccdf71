"""The form of lines, paths, commit messages and the rule book; pure.

Owns: lines and segments (`lines`, `field_types`, `segment`, `fields`, `instants`, `money`,
`currencies`, `paths`), their versions and the rules across fields (`versions`), commit messages
(`commit_message`), the rule book (`rule_book`, `rule_files`, `writers`), what is wrong with a line
(`faults`, `explanation`, `wording`), models and JSON Schemas (`schema`).
Does not own: reading or writing any of it. Its README is the specification: start there.
"""
