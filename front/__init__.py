"""What the programs that strangers reach have in common: `till` and `portal`.

Both write lines at any moment, push them at once, and remember things beside them.

Owns: reading their configuration (`config_file`) and the tables of it that both have (`tables`),
the file in which they remember (`memory_file`), the lines that were added to a spool since it was
looked at (`later_lines`), pushing once (`once`) and in the background (`pusher`), telling an
aggregator of a push (`hint`), and what is done beside a server again and again (`repeating`).
Does not own: commits and pushes themselves, which are a node's; the HTTP server (`gitmeter`).
"""
