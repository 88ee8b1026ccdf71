"""One target fuzzed for a while: start the guided process, listen to it, keep what it found."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from tests.fuzz.target import Target

_COUNTS: Final = Struct("<QQQ")
_STATUS: Final = re.compile(r"#\d+\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")
_INPUT_TIMEOUT_S: Final = 20
_SAID_KEPT: Final = 200
_ROOT: Final = Path(__file__).parents[2]


class Limits(NamedTuple):
    """How long to go on.

    Attributes:
        runs: inputs to try; 0 for any number.
        seconds: time to take; 0 for any time.
        seed: of libFuzzer's choices.
    """

    runs: int
    seconds: int
    seed: int


class Found(NamedTuple):
    """What became of a target.

    Attributes:
        name: the target.
        tried: inputs.
        accepted: how many of them its code took for good.
        lines: how many newlines they had.
        coverage: edges of the product's code that were reached.
        features: libFuzzer's finer count.
        corpus: inputs that reached something new.
        seconds: how long it took.
        crash: the file with the input that broke a promise; None when none did.
        said: the last lines of the process.
    """

    name: str
    tried: int
    accepted: int
    lines: int
    coverage: int
    features: int
    corpus: int
    seconds: float
    crash: Path | None
    said: list[str]


def is_installed() -> bool:
    """Whether the guided fuzzer is here; not every Python has it."""
    return find_spec("atheris") is not None


def fuzz(target: Target, limits: Limits, folder: Path, progress: Callable[[int], None]) -> Found:
    """Fuzz one target.

    Args:
        target: what.
        limits: for how long.
        folder: for corpus, dictionary and crashes; a corpus that is there is gone on with.
        progress: told how many inputs were tried so far.
    """
    counts, known = folder / "counts", set((folder / "crashes").glob("*"))
    counts.write_bytes(_COUNTS.pack(0, 0, 0))
    started = time.monotonic()
    coverage = features = corpus = 0
    said: list[str] = []
    with subprocess.Popen(
        _command(target, limits, folder, counts),
        cwd=_ROOT,
        # libFuzzer ends its process without Python: what that keeps elsewhere would stay there
        env={**os.environ, "TMPDIR": str(folder)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stderr or ():
            said = [*said[1 - _SAID_KEPT :], line.rstrip()]
            if match := _STATUS.match(line):
                coverage, features, corpus = map(int, match.groups())
                progress(_COUNTS.unpack(counts.read_bytes())[0])
    tried, accepted, lines = _COUNTS.unpack(counts.read_bytes())
    progress(tried)
    crashes = sorted({*(folder / "crashes").iterdir()} - known)
    if process.returncode and not crashes:
        raise RuntimeError(f"fuzzing {target.name} failed:\n" + "\n".join(said))
    return Found(
        *(target.name, tried, accepted, lines, coverage, features, corpus),
        *(time.monotonic() - started, crashes[0] if crashes else None, said),
    )


def _command(target: Target, limits: Limits, folder: Path, counts: Path) -> list[str]:
    corpus, crashes = folder / "corpus", folder / "crashes"
    for path in (corpus, crashes):
        path.mkdir(exist_ok=True)
    for i, seed in enumerate(target.seeds):
        (corpus / f"seed-{i:04d}").write_bytes(seed)
    words = folder / "dictionary"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    return [
        *(sys.executable, "-m", "tests.fuzz.guided", target.name, str(counts), str(corpus)),
        *(f"-runs={limits.runs or -1}", f"-max_total_time={limits.seconds}"),
        *(f"-seed={limits.seed}", f"-dict={words}", f"-artifact_prefix={crashes}/"),
        *(f"-max_len={target.size_max}", f"-timeout={_INPUT_TIMEOUT_S}", "-rss_limit_mb=1024"),
    ]


def _escaped(word: Iterable[int]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)
