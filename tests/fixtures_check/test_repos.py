"""The repos that other tests build on are what they say."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.repos import RepoWriter, bare_repo, money_line, segment_path, usage_line
from wire_format.lines import Folder
from wire_format.segment import decode_segment


def git(repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repo), *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_lines_from_the_helpers_are_valid_wire_lines() -> None:
    """What tests write by hand is what the wire format accepts, byte for byte."""
    usage = usage_line(applies_to="llm", corrects=None, meta={"a": 1}) + usage_line(seq=2)
    assert decode_segment(usage, Folder.USAGE).rejects == ()
    assert decode_segment(money_line(external_ref="x"), Folder.PAYMENTS).rejects == ()


def test_a_key_the_line_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="unit"):
        usage_line(unit=3)


def test_a_commit_keeps_earlier_files_and_takes_away_what_is_none(tmp_path: Path) -> None:
    """The tree grows from the first parent's; git's own check finds nothing wrong in it."""
    writer = RepoWriter(tmp_path / "node.git")
    writer.commit({"usage/2025/01/01/a": b"1", "usage/2025/01/02/b": b"2", "README.md": b"3"})
    tip = writer.commit({"usage/2025/01/01/a": None, "usage/2025/01/02/c": b"4"})
    expected = {"usage/2025/01/02/b": b"2", "usage/2025/01/02/c": b"4", "README.md": b"3"}
    assert writer.files(tip) == expected
    assert git(writer.path, "ls-tree", "-r", "--name-only", "main").split() == sorted(expected)
    assert "2025/01/01" not in git(writer.path, "ls-tree", "-r", "-t", "main")
    git(writer.path, "fsck", "--strict")


def test_the_same_commits_give_the_same_ids(tmp_path: Path) -> None:
    """No clock takes part, so a failing history can be named by its hash."""
    first, second = (RepoWriter(tmp_path / name) for name in ("a.git", "b.git"))
    files = [{"a": b"1"}, {"b": b"2"}]
    assert first.commits(files) == second.commits(files)


def test_a_commit_is_dated_as_told(tmp_path: Path) -> None:
    writer = RepoWriter(tmp_path / "node.git")
    writer.commit({"a": b""}, when=datetime(2024, 2, 29, 12, 30, tzinfo=UTC), message="x y")
    line = git(writer.path, "log", "--format=%aI %cI %s", "main").strip()
    assert line == "2024-02-29T12:30:00+00:00 2024-02-29T12:30:00+00:00 x y"


def test_merges_orphans_and_forced_moves(tmp_path: Path) -> None:
    """Every shape of history that the aggregator must tell apart can be made."""
    writer = RepoWriter(tmp_path / "node.git")
    first = writer.commit({"a": b"1"})
    writer.commit({"b": b"2"})
    side = writer.commit({"c": b"3"}, parents=[first], branch="side")
    merged = writer.merge(side)
    assert writer.files(merged) == {"a": b"1", "b": b"2", "c": b"3"}
    assert len(git(writer.path, "rev-list", "--parents", "-1", "main").split()) == 3
    assert writer.files(writer.merge(side, {"evil": b"4"}))["evil"] == b"4"
    lone = writer.orphan({"z": b"9"})
    assert git(writer.path, "rev-list", "main").split() == [lone]
    writer.force(first)
    assert writer.tip() == first
    writer.delete_branch()
    assert writer.tip() is None


@pytest.mark.parametrize("protect", [True, False])
def test_a_protected_repo_refuses_forced_pushes(tmp_path: Path, *, protect: bool) -> None:
    """Over a transport that runs receive-pack; a hook-less local write proves nothing."""
    target = bare_repo(tmp_path / "node.git", protect=protect)
    writer = RepoWriter(tmp_path / "work.git")
    writer.commit({"a": b"1"})
    git(writer.path, "push", "-q", str(target), "main")
    writer.orphan({"b": b"2"})
    done = subprocess.run(
        ["git", "-C", str(writer.path), "push", "-q", "--force", str(target), "main"],
        check=False,
        capture_output=True,
    )
    assert (done.returncode != 0) is protect


def test_segment_path() -> None:
    day = datetime(2025, 1, 31, tzinfo=UTC).date()
    assert segment_path(day, 17) == "usage/2025/01/31/0000000000000017.jsonl"
