"""Every target, by name."""

from typing import Final

from tests.fuzz import lines, signatures, texts
from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target for target in (*lines.TARGETS, *texts.TARGETS, *signatures.TARGETS)
}
