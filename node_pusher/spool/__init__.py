"""The spool: records that services hand over, on disk before they are acknowledged.

Owns: the Python API (`api`) and its `outcomes`, what a service says (`inputs`), checking a record
(`drafts`), all SQL of a home (`connection`, `store`, `ids`, `sqlite_errors`, `shrinking`), a
read-only view (`inspection`), streams (`stream`), which records make a segment (`plan`), and a time
that cannot be (`clock`).
Does not own: commits (`sending`) and the socket (`listener`).
"""
