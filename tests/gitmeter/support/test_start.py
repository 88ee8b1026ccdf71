"""^C from the first line of a program on: exit code 130, one word, and no traceback.

What Python does before that line, the script that pip writes to import it, and the last moment of
Python, when it has put the signals back and a ^C kills the process, cannot be helped.
"""

import signal
import subprocess
import sys
import time

import pytest

COMMANDS = (
    ("aggregator", "--version"),
    ("aggregator", "--config", "/nowhere/aggregator.toml", "balance", "alice"),
    ("books", "--home", "/nowhere", "push"),
    ("node-pusher", "--home", "/nowhere", "status"),
)
STARTED = """
import os, signal, sys
from {package}.cli import main

imports = 0

def hook(event, args):
    global imports
    if event == "import":
        imports += 1
        if imports == 1:
            os.write(1, b"started\\n")
        if imports == {interrupted_at}:
            os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(hook)
sys.argv = {command}
main()
"""


def started(command: tuple[str, ...], interrupted_at: int = 0) -> subprocess.Popen[str]:
    """A program that has begun to import its modules.

    Args:
        command: its name and arguments.
        interrupted_at: which import sends it ^C; 0 for none.
    """
    source = STARTED.format(
        package=command[0].replace("-", "_"), interrupted_at=interrupted_at, command=list(command)
    )
    process = subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("imports", [1, 2, 5, 20, 60, 90])
def test_an_interrupt_at_an_import_ends_the_program(command: tuple[str, ...], imports: int) -> None:
    assert ended(started(command, imports)) == (130, "interrupted\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_interrupt_at_any_moment_leaves_no_traceback(command: tuple[str, ...]) -> None:
    """Or the program has just ended as it would without it."""
    began = time.perf_counter()
    usual = ended(started(command))
    took_s = time.perf_counter() - began
    for moment in range(8):
        process = started(command)
        time.sleep(took_s * moment / 8)
        process.send_signal(signal.SIGINT)
        code, err = ended(process)
        # click begins a new line, as the terminal shows ^C
        said = err.lstrip()
        just_ended = {usual, (-signal.SIGINT, usual[1]), (130, f"{usual[1]}interrupted\n")}
        assert (code, said) in {(130, "interrupted\n"), *just_ended}


def test_an_ignored_interrupt_stays_ignored() -> None:
    """As that of a program that a shell started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = started(COMMANDS[0], interrupted_at=5)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended(process) == (0, "")


DROPPED = """
import os, signal
import click
from gitmeter.support.start import start

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

@click.command()
def cli():
    Dying()
    click.echo("went on")

start("__main__", "small")
"""


def test_an_interrupt_that_python_drops_in_a_destructor_ends_the_program() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DROPPED], check=False, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "interrupted\n")


HANDLED = """
import os, signal
import click
from gitmeter.support.start import start

@click.command()
def cli():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        click.echo("cleaned up")

start("__main__", "small")
"""


def test_an_interrupt_in_a_command_lets_it_clean_up() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", HANDLED], check=False, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "cleaned up\n", "\ninterrupted\n")
