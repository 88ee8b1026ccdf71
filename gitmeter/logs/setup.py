"""Logs go to standard error: for people in a terminal, as JSON under systemd."""

import logging
import os
import sys
from contextlib import suppress
from typing import TextIO, cast

from gitmeter.support.lazy_group import hidden
from gitmeter.support.terminal import escape

with hidden("rich"):  # 60 ms of each command, for tracebacks in colour
    import structlog


def configure_logs(*, verbose: bool = False) -> None:
    """Set up structlog once, at the start of a program."""
    level = logging.DEBUG if verbose else logging.INFO
    renderer: structlog.typing.Processor
    if "JOURNAL_STREAM" in os.environ:
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _escape_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Lossy(sys.stderr))),
    )


class _Lossy:
    """A log that loses what cannot be written: whoever reads it may be gone, or its disk full.

    No work ends because nobody reads what it says of itself.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()


def _escape_values(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape control characters: names and reasons come from repos, and terminals obey them."""
    return {
        k: escape(v) if isinstance(v, str) and k != "exception" else v for k, v in event.items()
    }
