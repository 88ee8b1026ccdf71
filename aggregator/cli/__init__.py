"""The program `aggregator`: parses, calls, prints.

Owns: the table of commands (`program`), one module for each group of them (`accounts`,
`payments`, `explain`, `findings`, `backup`, `ledger`, `configure`, `notices`, `fleet/`, `terms/`,
`reports/`, `export/`), what they share (`context`, `git_lines`) and `progress`.
Does not own: anything that a program in Python could not call.
"""

from gitmeter.support.start import start


def main() -> None:
    """Entry point of the program."""
    start("aggregator.cli.program", "aggregator")
