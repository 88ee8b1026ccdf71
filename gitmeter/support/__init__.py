"""What every program needs at its edge.

Owns: how every program starts and ends (`start`, `entry`), groups of commands that are imported
late (`lazy_group`), `errors` with a hint and an exit code, what is printed (`terminal`, `table`)
and answers of any length (`printout`), `files` that survive a loss of power and why a disk takes
none, `locks` of whole processes, work in the `background` of a loop, pauses between tries
(`backoff`), work on millions of records (`bulk`), whose a folder is and who acts (`owner`).
Does not own: anything specific to metering.
"""
