"""The benchmark of reports asks every report, about a ledger that is what its lines say."""

from collections import Counter
from pathlib import Path

import pytest

from aggregator.store.store import open_for_reading
from benchmarks import report
from benchmarks.report import README
from benchmarks.reports import __main__ as reports
from benchmarks.reports.books import Sums
from benchmarks.reports.commands import commands
from benchmarks.reports.ledger import BenchLedger, check, provide_ledger
from benchmarks.reports.usage import usage_commits
from tests.support.programs import run_aggregator


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> BenchLedger:
    return provide_ledger(tmp_path_factory.mktemp("reports"), reports.QUICK)


def test_every_report_of_the_table_gives_an_answer(ledger: BenchLedger) -> None:
    """One that fails would stop the benchmark."""
    config = str(ledger.place.config_path)
    for command in commands(ledger):
        said = run_aggregator("--config", config, *command.words)
        assert (said.code, said.out.count("\n") > 1) == (0, True), command.name


def test_a_report_has_a_row_and_each_run_figures(ledger: BenchLedger, tmp_path: Path) -> None:
    """Programs of two folders, which stand here for the real ones, are asked in turn."""
    program = tmp_path / "aggregator"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    found = list(reports.measure(ledger, [tmp_path, tmp_path], 1, "liability --as-of"))
    (row,) = reports.table(found).splitlines()[2:]
    assert row.startswith("| `liability --as-of MIDDLE` |")
    assert row.count("|") == 7
    figures = [used for runs in found[0].used for used in runs]
    assert len(figures) == 2
    assert all(used.cpu_s > 0 and used.memory_bytes > 1_000_000 for used in figures)
    assert found[0].lines == 2 + len(found[0].command.words)


def test_the_ledger_has_all_that_reports_tell(ledger: BenchLedger) -> None:
    """Grants that paid, units that plans include, refunds, and money and plans that count."""
    with open_for_reading(ledger.place.config().database_path) as store:

        def number(query: str) -> int:
            return int(store._connection.execute(query).fetchone()[0])

        assert number("SELECT count(*) FROM charge WHERE state <> 0") == 0
        assert number("SELECT count(*) FROM counted WHERE included > 0") > 0
        assert number("SELECT count(*) FROM drawn") > 0
        assert number("SELECT count(*) FROM account WHERE plans IS NOT NULL") > 0
        assert number("SELECT count(*) FROM money WHERE CAST(line AS TEXT) LIKE '%refers_to%'") > 0
        assert number("SELECT count(*) FROM money WHERE state <> 'counted'") == 0


def test_a_ledger_with_other_sums_stops_the_benchmark(ledger: BenchLedger) -> None:
    """There are no figures for answers that are wrong."""
    with open_for_reading(ledger.place.config().database_path) as store:
        units = Counter[str]()
        assert list(usage_commits(ledger.size, ledger.start, units))
        with pytest.raises(RuntimeError, match="what is in the pools"):
            check(store, ledger.size, units, Sums())
        units.update(next(iter(units)))
        with pytest.raises(RuntimeError, match="units"):
            check(store, ledger.size, units, Sums())


def test_a_kept_ledger_is_used_again(ledger: BenchLedger) -> None:
    folder = ledger.place.folder
    made = (folder / "checked").stat().st_mtime_ns
    assert provide_ledger(folder.parent, ledger.size) == ledger
    assert (folder / "checked").stat().st_mtime_ns == made


def test_the_readme_has_a_place_for_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(README.read_text())
    monkeypatch.setattr(report, "README", copy)
    report.keep("row of one run", reports._BEGIN, reports._END)
    assert copy.read_text().count("row of one run") == 1
