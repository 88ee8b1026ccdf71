"""Hostile bytes: each parser answers with a value or its own error. See `tests.fuzz`."""

from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import __main__ as program
from tests.fuzz import campaign
from tests.fuzz.lines import mutate_line
from tests.fuzz.minimise import breach, minimise
from tests.fuzz.target import Target, promise
from tests.fuzz.targets import TARGETS
from tests.wire_format.generated import RESPELLED, spoiled, values_in, written
from wire_format.lines import Folder

names = pytest.mark.parametrize("name", TARGETS)


@st.composite
def hostile(draw: st.DrawFn, target: Target) -> bytes:
    """A seed, spoiled a few times over; sometimes a word stuck in, sometimes any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = draw(st.sampled_from(target.seeds))
    for _ in range(draw(st.integers(1, 4))):
        if not data:
            break
        data = _changed(draw, target, data)
    return data[: target.size_max]


def _changed(draw: st.DrawFn, target: Target, data: bytes) -> bytes:
    match draw(st.integers(0, 2)):
        case 0 if target.words:
            at = draw(st.integers(0, len(data)))
            return data[:at] + draw(st.sampled_from(target.words)) + data[at:]
        case 1 if target.mutate is not None:
            changed = target.mutate(data, target.size_max, draw(st.integers(0, 2**32)))
            return data if changed is None else changed
    return draw(spoiled(data)) if any(old in data for old, _ in RESPELLED) else data[:-1]


@names
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_hostile_bytes_break_no_promise(name: str, data: st.DataObject) -> None:
    TARGETS[name].check(data.draw(hostile(TARGETS[name])))


@names
def test_some_seed_of_each_target_is_accepted(name: str) -> None:
    """A fuzzer that starts from nothing but garbage ends there."""
    assert any(map(TARGETS[name].check, TARGETS[name].seeds))


@pytest.mark.parametrize("folder", Folder)
@given(st.data())
def test_generated_lines_are_accepted_by_the_fuzzers_check(
    folder: Folder, data: st.DataObject
) -> None:
    lines = data.draw(st.lists(values_in(folder).map(written), min_size=1, max_size=3))
    assert TARGETS[f"decode-{folder}"].check(b"".join(lines))


def test_lines_are_mutated_into_other_lines_that_are_accepted() -> None:
    """What tells a guided walk through valid lines from one through broken JSON."""
    target = TARGETS["decode-usage"]
    good = next(seed for seed in target.seeds if target.check(seed))
    mutated = {mutate_line(good, 4096, Random(i).randrange(2**32)) for i in range(300)}
    assert sum(target.check(data) for data in mutated if data and data != good) >= 10


def test_a_broken_promise_is_found_and_its_input_made_short() -> None:
    def check(data: bytes) -> bool:
        promise(b"x" not in data or b"y" not in data)
        return True

    assert breach(check, b"harmless") is None
    assert minimise(check, b"a long text with x and then y in it") == b"xy"


def test_an_input_is_tried_on_its_own(tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"usage/2026/11/21/0000000000000017.jsonl")
    said = CliRunner().invoke(program.main, ["--target", "path", "--input", str(file)])
    assert said.exit_code == 0, said.output
    assert "keeps its promises" in said.output


def test_without_the_guided_fuzzer_the_program_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "is_installed", lambda: False)
    said = CliRunner().invoke(program.main, ["--target", "path", "--runs", "1"])
    assert said.exit_code == 1
    assert "pip install -e '.[dev]'" in said.output


@pytest.mark.skipif(not campaign.is_installed(), reason="atheris is not installed")
def test_the_guided_fuzzer_runs(tmp_path: Path) -> None:
    arguments = ["--target", "path", "--runs", "300", "--seed", "1", "--keep", str(tmp_path)]
    said = CliRunner().invoke(program.main, arguments)
    assert said.exit_code == 0, said.output
    assert "0 targets broken" in said.output
