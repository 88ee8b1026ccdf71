"""The bare repo of a home: its commits, trees and what its remote alone has.

Owns: the repo (`ledger_repo`), what its commits state (`commit_info`), its `trees`, what is wrong
with it (`repo_errors`), files that only its remote has (`remote_files`), where its history ends in
a `shallow` clone.
Does not own: what is committed and pushed when (`sending`), how a home gets its repo (`joining`).
"""
