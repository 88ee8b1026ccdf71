"""Walking through the guide: one step after the other, each compared with what it shows."""

import re
import time
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tests.docs.guide import Step, missing, printed_line
from tests.docs.guide_site import METER, PATIENCE_S, Ran, Site

_AS_USER: Final = re.compile(r"^runuser -u ([a-z-]+) -- ")
_QUESTION: Final = re.compile(
    r"runuser -u gitmeter -- aggregator "
    r"(?:nodes|balance|charges|explain|held|incidents|unpriced|notices --undelivered|verify)\b"
    r"|curl |aggregator (?:node list|forge check)"
)
"""Commands that change nothing: asked again until what was pushed has arrived."""

_PAUSE_S: Final = 0.5


class Walked(NamedTuple):
    """A step that was taken.

    Attributes:
        lost: lines that the guide shows and nobody saw.
    """

    step: Step
    ran: Ran
    lost: list[str]


def walk(site: Site, steps: Iterable[Step]) -> Iterator[Walked]:
    """Take all steps in order."""
    before = Ran(0, "", "")
    for step in steps:
        script = None
        if step.block.language == "here":
            site.happen(step.block.mark)
            continue
        if step.block.is_pasted:
            script = _as_printed(site, step, before)
            if script is None:
                yield Walked(step, before, [f"never printed: {step.block.text}"])
                continue
        ran = _run(site, step, script, _typist(step))
        yield Walked(step, ran, missing(step.shown or "", ran.output))
        before = ran


def _typist(step: Step) -> str | None:
    """Whose shell a printed command is pasted into; None for root's."""
    if not step.block.is_pasted:
        return None
    stated = _AS_USER.match(step.block.text)
    if stated:
        return stated[1]
    return "till" if "/var/lib/till" in step.block.text else "node-pusher"


def _run(site: Site, step: Step, script: str | None, user: str | None) -> Ran:
    ran = site.run(step.block, script, user)
    if not all(_QUESTION.match(line) for line in commands(step.block.text)):
        return ran
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and not is_as_told(step, ran):
        time.sleep(_PAUSE_S)
        ran = site.run(step.block, script, user)
    return ran


def is_as_told(step: Step, ran: Ran) -> bool:
    """Whether a step ended as the guide says, and showed what it says."""
    has_failed = bool(ran.status)
    return has_failed == step.block.fails and not missing(step.shown or "", ran.output)


def commands(text: str) -> list[str]:
    """The commands of a block, without comments."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _as_printed(site: Site, step: Step, before: Ran) -> str | None:
    """The command that the block shows, as it was printed before."""
    block = step.block
    wanted = _AS_USER.sub("", block.text)
    there = printed_line(wanted, before.output)
    if there is None:
        return None
    at = before.output.splitlines().index(there)
    return site.here(before.as_shown.splitlines()[at].strip(), block.node or METER)
