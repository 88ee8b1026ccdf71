"""A UNIX socket through which services in any language record usage.

Owns: the `server`, its `socket` file, the `protocol`, which connection gives way (`room`), and
writing many requests in one transaction (`group`).
Does not own: the spool that the records go to.
"""
