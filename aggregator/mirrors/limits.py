"""How much one commit may make us read; sizes are read from an object's header first.

Git itself knows no such limits: a few kilobytes of a pack can stand for a commit message or a
folder of gigabytes. Each limit is far above what a node writes, so that only a repo that was made
to do harm meets it.
"""

from typing import Final

COMMIT_BYTES_MAX: Final = 1024 * 1024
"""Of one commit object. A pusher's message names at most 40 resources: under 16 KiB."""

TREE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Of all folders together that comparing a commit with its first parent opens.

A segment takes 50 bytes of its day's folder, which is read twice, before and after: enough for
80,000 segments a day. It bounds time as well: 290,000 entries of the shortest kind."""

LINES_READ_AGAIN_MAX: Final = 2_000_000
"""Earlier lines that are read again to judge the lines of one commit.

A commit of eight full segments that repeats, cut in another way, what its node wrote in order needs
at most 1,600,000."""
