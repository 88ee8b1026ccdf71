"""The spool's file: opening it, its size, and what SQLite says of it.

Owns: its version and settings (`connection`), giving the disk back (`shrinking`), SQLite's errors
in the spool's words (`sqlite_errors`), and a read-only view for `doctor` (`inspection`).
Does not own: what is in it (`node_pusher.spool.store`).
"""
