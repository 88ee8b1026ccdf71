"""The benchmark of a portal asks a real one, and has a row for each load."""

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.portal import __main__ as portal
from benchmarks.portal import pages
from benchmarks.portal.ledger import provide_accounts
from benchmarks.portal.program import portal as portal_program
from benchmarks.report import README


def test_every_load_has_a_row_and_its_figures(tmp_path: Path) -> None:
    """An answer that is not good would stop the benchmark."""
    size = portal.QUICK
    found = list(portal.loads(provide_accounts(tmp_path, size.accounts, size.days), size))
    expected = [size.many, *[size.steady] * 4, size.many, size.steady, size.few, size.steady]
    assert [len(each.latencies_s) for each in found] == expected
    assert all(min(each.latencies_s) > 0 for each in found)
    assert all(min(each.memory_bytes) > 1_000_000 for each in found)
    rows = portal.table(found).splitlines()[2:]
    assert [row.count("|") for row in rows] == [6] * len(found)


def test_the_readme_has_a_place_for_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(README.read_text())
    monkeypatch.setattr(report, "README", copy)
    report.keep("row of one run", portal._BEGIN, portal._END)
    assert copy.read_text().count("row of one run") == 1


def test_pages_are_measured(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    ledger = provide_accounts(tmp_path, accounts=3, days=3)
    with portal_program(tmp_path / "home", ledger) as serving:
        found = [*pages.costs(serving, ledger, times=2)]
    assert [each.path.partition("?")[0] for each in found] == ["/", *["/usage"] * 3, "/charges"]
    assert all(each.all_bytes > each.page_bytes > 1000 for each in found)
