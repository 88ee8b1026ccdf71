"""The program `books`: parses, calls, prints.

Owns: the table of commands (`program`), one module for each group of them (`init`, `money`,
`log`, `decide`, `rules`, `rule_edits`, `prices`), what several share (`acts`, `instants`,
`line_json`, `rule_output`); in folders of their own: `bulk`, `grants`, `accounts`, `reconcile`.
Does not own: anything that a program in Python could not call.
"""

from gitmeter.support.start import start


def main() -> None:
    """Entry point of the program."""
    start("books.cli.program", "books")
