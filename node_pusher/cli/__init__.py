"""The program `node-pusher`: parses, calls, prints.

Owns: the table of commands (`program`), one module for each group of them (`init`, `record`,
`correct`, `push`, `history`, `keys`, `listen`, `rollover`, `set_remote`, `doctor`), their common
options (`home`) and signals (`interrupts`).
Does not own: anything that a program in Python could not call.
"""

from gitmeter.support.start import start


def main() -> None:
    """Entry point of the program."""
    start("node_pusher.cli.program", "node-pusher")
