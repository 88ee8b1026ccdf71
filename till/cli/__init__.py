"""The program `till`: parses, calls, prints.

Owns: the table of commands (`program`), making a home (`init`), `serve`, `sweep`, `refund`,
charging saved cards (`charge`, with `attempts` and `start-again`), what a till is like (`examine`:
`status`, `doctor`, `acknowledge`), and what several share (`common`, with `config-example`).
Does not own: anything that a program in Python could not call.
"""

from gitmeter.support.start import start


def main() -> None:
    """Entry point of the program."""
    start("till.cli.program", "till")
