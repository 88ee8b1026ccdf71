"""The spool: records that services hand over, on disk before they are acknowledged.

Owns: the Python API (`api`) and its `outcomes`, what a service says (`inputs`), checking a record
(`drafts`), its file (`file`), what is in it (`store`, `ids`, `unsent`) and leaves it (`retiring`),
streams (`stream`), which records make a segment (`plan`), and a time that cannot be (`clock`). With
`file` all SQL of a home.
Does not own: commits (`sending`) and the socket (`listener`).
"""
