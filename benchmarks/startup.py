"""Measure what it costs to start the programs: `python -m benchmarks.startup --help`.

Each figure is the CPU time (user and system) of one whole process and of the processes that it
started, from exec to exit. CPU time rather than wall time, because wall time depends much more on
what else the machine is doing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.place import NODE
from benchmarks.report import README, keep, machine, markdown
from gitmeter.git_remote.runner import clean_environment
from tests.support.git_http import GitHttpServer
from tests.support.repos import bare_repo

_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.startup --write` -->"
_END: Final = "<!-- end: startup -->"
_HEADERS: Final = ("CPU", "lowest to highest", "at most", "met")
_RUNS: Final = 7
_LINES: Final = (
    *("aggregator ", "aggregator charges --", "books ", "books pay --"),
    *("node-pusher ", "node-pusher record --"),
)
_USER: Final = "alice"
_PRICES: Final = """\
[[price]]
resource = "vm/small/seconds"
applies_to = "vm"
usd = "0.01"
per = 3600
from = 2000-01-01T00:00:00Z
"""


class Command(NamedTuple):
    """A command that is measured.

    Attributes:
        name: its name in the table.
        words: the program and its arguments.
        target_s: the target, in CPU seconds; None if there is none.
        environment: variables in addition to those of this process.
    """

    name: str
    words: Sequence[str]
    target_s: float | None = None
    environment: Mapping[str, str] = {}


class Measured(NamedTuple):
    """A command, and the CPU seconds of its runs for each folder of programs."""

    command: Command
    cpu_s: tuple[list[float], ...]


class Site:
    """A node with a remote on disk, one with a remote on http, books, and a ledger.

    Args:
        folder: an empty folder.
        programs: the folder of the programs that set everything up.
        server: the server of the repos in `folder / "remotes"`.

    Attributes:
        config: the aggregator's configuration file.
        node_home, http_home, books_home: homes in which everything was pushed.
    """

    def __init__(self, folder: Path, programs: Path, server: GitHttpServer) -> None:
        self._programs = programs
        self.config = folder / "aggregator.toml"
        self.node_home, self.http_home = folder / "node", folder / "http-node"
        self.books_home = folder / "books"
        remotes = server.root
        prices = folder / "prices.toml"
        prices.write_text(_PRICES)
        urls = {name: bare_repo(remotes / f"{name}.git").as_uri() for name in (NODE, "books")}
        bare_repo(remotes / "http.git")
        self._fill_node(self.node_home, NODE, urls[NODE])
        self._fill_node(self.http_home, "http-node", server.url("http.git"))
        books = ("books", "--home", str(self.books_home))
        self.run(*books, "init", "--remote", urls["books"])
        self.run(*books, "rules", "set", str(prices))
        self.run(*books, "pay", _USER, "50.00")
        self.run(*books, "push")
        self._configure(folder, urls)
        self.run("aggregator", "--config", str(self.config), "pull")

    def _fill_node(self, home: Path, node: str, url: str) -> None:
        program = ("node-pusher", "--home", str(home))
        self.run(*program, "init", "--node", node, "--remote", url)
        self.run(*program, "record", "--user", _USER, "--resource", "vm/small/seconds",
                 "--units", "3600", "--applies-to", "vm")  # fmt: skip
        self.run(*program, "push")

    def _configure(self, folder: Path, urls: Mapping[str, str]) -> None:
        signers = folder / "allowed_signers"
        signers.write_text(
            self.run("node-pusher", "--home", str(self.node_home), "show-key")
            + self.run("books", "--home", str(self.books_home), "show-key")
        )
        tables = [
            f'[[repo]]\nnode = "{name}"\nurl = "{url}"\n'
            f'role = "{"books" if name == "books" else "usage"}"\n'
            for name, url in urls.items()
        ]
        state = f'state = "{folder / "state"}"\nallowed_signers_file = "{signers}"\n'
        self.config.write_text("\n".join([state, *tables]))

    def run(self, program: str, *arguments: str) -> str:
        """Run a program and return what it printed."""
        command = [str(self._programs / program), *arguments]
        environment = clean_environment()
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def commands(self) -> list[Command]:
        """The commands that are measured."""
        asking = ("aggregator", "--config", str(self.config))
        node = ("node-pusher", "--home", str(self.node_home))
        usage = ("--user", _USER, "--resource", "vm/small/seconds", "--units", "60")
        return [
            Command("`aggregator --version`", ("aggregator", "--version"), 0.15),
            Command("`aggregator --help`", ("aggregator", "--help"), 0.15),
            *map(_completion, _LINES),
            Command("`aggregator balance USER`", (*asking, "balance", _USER), 0.25),
            Command("`aggregator charges USER`", (*asking, "charges", _USER), 0.25),
            Command("`aggregator nodes`", (*asking, "nodes")),
            Command("`aggregator incidents`", (*asking, "incidents")),
            Command(
                "`node-pusher push`, nothing new, remote `file://`", (*node, "push"), 0.3
            ),
            Command(
                "`node-pusher push`, nothing new, remote `http://`",
                ("node-pusher", "--home", str(self.http_home), "push"),
                0.3,
            ),
            Command("`node-pusher record`", (*node, "record", *usage), 0.15),
            Command("`node-pusher status`", (*node, "status")),
            Command(
                "`books pay`", ("books", "--home", str(self.books_home), "pay", _USER, "1.00"), 0.25
            ),
        ]  # fmt: skip


def _completion(line: str) -> Command:
    """The command that a shell runs when TAB is pressed at the end of a line."""
    words = line.split(" ")
    variable = f"_{words[0].replace('-', '_').upper()}_COMPLETE"
    environment = {
        "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), variable: "bash_complete",
    }  # fmt: skip
    return Command(f"`{line}` TAB", (words[0],), 0.15, environment)


def cpu_s(command: Command, programs: Path) -> float:
    """Run a command once; return its CPU seconds.

    Args:
        command: the command to run.
        programs: the folder of its program.

    Raises:
        RuntimeError: the command failed.
    """
    program, *arguments = command.words
    path = str(programs / program)
    silence = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    environment = {**clean_environment(), **command.environment}
    pid = os.posix_spawn(path, [path, *arguments], environment, file_actions=silence)
    _, status, used = os.wait4(pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{command.name}: ended with {code}")
    return used.ru_utime + used.ru_stime


def measure(folder: Path, programs: Sequence[Path], runs: int) -> list[Measured]:
    """Measure the CPU seconds of each run of each command.

    Args:
        folder: an empty folder.
        programs: folders of the programs; those in the first one set everything up.
        runs: the number of rounds. Each runs every command of every folder once, so that a machine
            that slows down for a while slows all of them down.
    """
    remotes = folder / "remotes"
    remotes.mkdir()
    with GitHttpServer(remotes) as server:
        site = Site(folder, programs[0], server)
        found = [
            Measured(command, tuple([] for _ in programs)) for command in site.commands()
        ]  # fmt: skip
        for number in range(runs + 1):
            for command, figures_of in found:
                for place, figures in zip(programs, figures_of, strict=True):
                    used_s = cpu_s(command, place)
                    if number:  # the first round compiles modules and reads files into memory
                        figures.append(used_s)
    return found


def table(found: Sequence[Measured]) -> str:
    """Format the figures as Markdown; those of a second folder are headed `before`."""
    has_before = len(found[0].cpu_s) > 1
    rows = []
    for command, (now, *before) in found:
        middle = median(now)
        met = "" if command.target_s is None else "yes" if middle <= command.target_s else "**no**"
        rows.append(
            (
                command.name,
                *(f"{median(figures):.2f} s" for figures in before),
                f"{middle:.2f} s",
                f"{min(now):.2f} to {max(now):.2f} s",
                "" if command.target_s is None else f"{command.target_s:.2f} s",
                met,
            )
        )
    headers = ("a whole process", *(["before"] if has_before else []), *_HEADERS)
    return markdown(headers, rows)


def main() -> None:
    """Measure and print, and write the table into the README if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=_RUNS, help="runs of each command")
    parser.add_argument("--before", type=Path, help="a folder with programs to compare with")
    parser.add_argument("--write", action="store_true", help=f"replace the table in {README.name}")
    options = parser.parse_args()
    programs = [Path(sys.executable).parent, *([options.before] if options.before else [])]
    with tempfile.TemporaryDirectory(prefix="gitmeter-startup-") as folder:
        found = measure(Path(folder), programs, options.runs)
    text = f"Measured with {machine()} Medians of {options.runs} runs.\n\n{table(found)}"
    print(text)
    if options.write:
        keep(text, _BEGIN, _END)


if __name__ == "__main__":
    main()
