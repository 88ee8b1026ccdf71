"""How a program ends: exit codes and messages for a broken world, and for a reader that left."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.store.store import open_for_writing

SMALL_PROGRAM = """
import click, errno, os
from gitmeter.support.entry import run
from gitmeter.support.table import print_table
from gitmeter.support.terminal import print_json

@click.group()
def cli(): pass

@cli.command()
@click.argument("path")
def read(path):
    open(path).read()

@cli.command()
@click.argument("path")
def forbidden(path):  # raised, since root, whom tests may run as, may read everything
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

@cli.command()
def lines():
    for number in range(100_000):
        click.echo(f"line {number}")

@cli.command()
def table():
    print_table(("number",), [(str(number),) for number in range(20_000)])

@cli.command("json")
def as_json():
    print_json(list(range(100_000)))

@cli.command()
def nameless():
    raise OSError("the library gives no path")

@cli.command()
def bug():
    raise ValueError("nobody expected this")

run(cli, "small")
"""
PROGRAMS = {
    "aggregator": "from aggregator.cli import main; main()",
    "books": "from books.cli import main; main()",
    "node-pusher": "from node_pusher.cli import main; main()",
}


def command(*arguments: str, source: str = SMALL_PROGRAM) -> list[str]:
    return [sys.executable, "-c", source, *arguments]


def said(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), check=False, capture_output=True, text=True)


def test_a_path_that_cannot_be_read_is_named_and_is_no_bug(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    ran = said("read", str(absent))
    assert (ran.returncode, ran.stderr) == (1, f"error: {absent}: No such file or directory\n")


def test_a_path_of_another_user_says_whom_to_run_as() -> None:
    ran = said("forbidden", "/some/path")
    assert ran.returncode == 1
    assert ran.stderr == (
        "error: /some/path: Permission denied\n"
        "hint: run this as the user who owns that path, or give this user access to it\n"
    )


@pytest.mark.parametrize("output", ["lines", "table", "json"])
def test_a_full_disk_under_standard_output_is_no_bug(output: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            command(output), check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ran.returncode == 1
    assert ran.stderr == (
        "error: No space left on device\nhint: make room there, then run this again\n"
    )


def test_an_error_of_the_system_without_a_path_is_told_in_its_own_words() -> None:
    ran = said("nameless")
    assert (ran.returncode, ran.stderr) == (1, "error: the library gives no path\n")


def test_what_nobody_expected_is_a_bug_with_a_report() -> None:
    ran = said("bug")
    assert ran.returncode == 3
    assert "Traceback" in ran.stderr
    assert "nobody expected this" in ran.stderr


@pytest.mark.parametrize("output", ["lines", "table", "json"])
def test_head_ends_a_long_output_quietly(output: str) -> None:
    """Under pipefail too: the exit code is that of the program."""
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{shlex.join(command(output))} | head -n 1"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 1


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_no_program_minds_that_its_reader_is_gone(name: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        command("--help", source=PROGRAMS[name]),
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_an_error_keeps_its_exit_code_when_nobody_reads_the_message(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(command("read", str(tmp_path / "absent")), check=False, stderr=writer)
    os.close(writer)
    assert ran.returncode == 1


ABSENT = """
import sys
sys.modules["{package}"] = None  # as if it were not installed
from {program}.cli import main
sys.argv = {command}
main()
"""


@pytest.mark.parametrize(
    ("command", "package", "install"),
    [
        (("aggregator", "balance"), "sqlite_utils", "gitmeter[aggregator]"),
        (("aggregator", "pull"), "structlog", "gitmeter[aggregator]"),
        (("books", "prices", "list-llm"), "genai_prices", "gitmeter[books]"),
        (("node-pusher", "record", "--user", "a", "--resource", "r", "--units", "1"), "msgspec",
         "gitmeter"),
    ],
)  # fmt: skip
def test_a_package_that_is_not_installed_is_named_with_what_installs_it(
    command: tuple[str, ...], package: str, install: str, tmp_path: Path
) -> None:
    config = tmp_path / "aggregator.toml"
    config.write_text(f'state = "{tmp_path}"\n')
    open_for_writing(tmp_path / "ledger.db").close()
    source = ABSENT.format(
        package=package, program=command[0].replace("-", "_"), command=list(command)
    )
    ran = subprocess.run(
        [sys.executable, "-c", source],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "AGGREGATOR_CONFIG": str(config)},
    )
    assert ran.returncode == 1
    assert ran.stderr == (
        f"error: {command[0]} needs the Python package {package}, which is not installed\n"
        f"hint: pip install '{install}'\n"
    )


def test_a_module_of_ours_that_is_missing_is_a_bug() -> None:
    source = SMALL_PROGRAM.replace(
        'raise ValueError("nobody expected this")', "import gitmeter.support.nothing"
    )
    ran = subprocess.run(command("bug", source=source), check=False, capture_output=True, text=True)
    assert ran.returncode == 3
    assert "gitmeter.support.nothing" in ran.stderr
