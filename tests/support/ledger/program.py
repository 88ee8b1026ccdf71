"""Run the program `aggregator` as a shell would, and keep what it said."""

import json
import sys
from typing import Any, NamedTuple

import pytest

from aggregator.cli import cli
from gitmeter.support.entry import run
from tests.support.ledger.world import World


class Said(NamedTuple):
    """How a run ended.

    Attributes:
        code: its exit code.
        out, err: what it wrote.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Its standard output as one JSON document."""
        return json.loads(self.out)


class Program:
    """The program with the configuration of a world.

    Attributes:
        world: what it reads.
    """

    def __init__(self, world: World, capture: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capture = capture

    def __call__(self, *arguments: str) -> Said:
        """Run with `--config` in front."""
        return self.bare("--config", str(self.world.write_config()), *arguments)

    def bare(self, *arguments: str) -> Said:
        """Run with just these arguments."""
        self._capture.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["aggregator", *arguments])
            with pytest.raises(SystemExit) as exited:
                run(cli, "aggregator")
        code = exited.value.code
        return Said(code if isinstance(code, int) else 0, *self._capture.readouterr())
