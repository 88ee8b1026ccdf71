"""The program `portal`: parses, calls, prints.

Owns: the table of commands (`program`), making a home (`init`), `serve`, people whom issuers vouch
for (`identity`), and what several share (`common`, with `config-example`).
Does not own: anything that a program in Python could not call.
"""

from gitmeter.support.start import start


def main() -> None:
    """Entry point of the program."""
    start("portal.cli.program", "portal")
