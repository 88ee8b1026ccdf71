"""The first lines of every program: what ^C does from here on.

Before them it ends in Python's own traceback, so this module imports as little as it can.
"""

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

_INTERRUPTED = 130
"""`gitmeter.support.errors.ExitCode.INTERRUPTED`, which is not imported yet."""

_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"


def start(module: str, name: str) -> "NoReturn":
    """Run the click command `cli` of a module as the program `name`, and exit.

    ^C is a `KeyboardInterrupt`, as everywhere in Python, but ends the process at once while a
    module is imported or Python finishes: C code that is being loaded turns the exception into
    other errors, and what is printed is a traceback.
    """
    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):  # it is not ignored, as in a background job
        signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _unraisable
    try:
        try:
            from importlib import import_module

            from gitmeter.support.entry import run

            run(import_module(module).cli, name)
        finally:
            if signal.getsignal(signal.SIGINT) is _interrupt:
                signal.signal(signal.SIGINT, _leave)
    except KeyboardInterrupt:
        _leave()


def _interrupt(number: int, frame: "FrameType | None") -> None:
    outer = frame
    while outer is not None:
        if outer.f_code.co_filename == _IMPORT_SYSTEM:
            _leave()
        outer = outer.f_back
    signal.default_int_handler(number, frame)


def _leave(_number: int = 0, _frame: "FrameType | None" = None) -> "NoReturn":
    """End the process; every program may be killed at any moment without harm."""
    try:
        os.write(2, b"interrupted\n")
    finally:
        os._exit(_INTERRUPTED)


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """End the process on a ^C in a destructor, where Python would only print and drop it."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _leave()
    sys.__unraisablehook__(unraisable)
