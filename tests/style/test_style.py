"""The style of the product packages, as tests; every exception is listed here with its reason."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

import pytest

from tests.style import rules
from tests.style.rules import CLOCK_NAMES, Finding, Module

CLOCK_ALLOWED: Final = {
    "aggregator/cli/*.py": "the edge: a command reads the clock once and hands it on",
    "aggregator/daemon/loop.py": "the edge: each round of the loop reads the clock once",
    "books/cli/*.py": "the edge: a command reads the clock once and hands it on",
    "node_pusher/cli/*.py": "the edge: a command reads the clock once and hands it on",
    "portal/cli/*.py": "the edge: a command reads the clock, or hands it on as a whole",
    "till/cli/*.py": "the edge: a command reads the clock, or hands it on as a whole",
    "node_pusher/spool/api.py": "the default clock of services that record through the Python API",
}
PRINT_ALLOWED: Final = {"gitmeter/support/*.py": "the room that prints for all others"}
SQL_ALLOWED: Final = {
    "aggregator/store/*": "the ledger's SQL",
    "cursors/rows.py": "the cursor's own table",
    "front/memory_file.py": "opening the file in which a program remembers",
    "portal/records/*": "the SQL of what a portal remembers",
    "till/records/*": "the SQL of what a till remembers",
    "node_pusher/spool/store.py": "the spool's SQL",
    "node_pusher/spool/file/connection.py": "the version of the spool's file",
    "node_pusher/spool/unsent.py": "its SQL about what is in no commit yet",
    "node_pusher/spool/retiring.py": "its SQL about what leaves it",
    "node_pusher/spool/ids.py": "its SQL about callers' own keys",
    "node_pusher/spool/file/inspection.py": "the spool's file, looked at by `doctor`",
    "node_pusher/spool/file/shrinking.py": "the size of the spool's file",
}
FLOAT_ALLOWED: Final[dict[str, str]] = {}
"""Modules that handle money and yet need a float, which is none so far (say, a time limit)."""

PURE_MONEY: Final = (
    *("wire_format/money.py", "wire_format/rule_book.py"),
    *("wire_format/versions/agreement.py", "wire_format/versions/agreement_2.py"),
    *("aggregator/rating/rating.py", "gitmeter/counting/effects.py"),
    *("gitmeter/money/pool.py", "gitmeter/money/rivals.py", "gitmeter/money/writer.py"),
    *("gitmeter/money/plans/plan_lines.py", "gitmeter/money/plans/timeline.py"),
    *("gitmeter/money/plans/money_before.py", "gitmeter/money/grants.py"),
    *("gitmeter/money/desks/desk.py", "gitmeter/money/desks/budgets.py"),
    *("aggregator/rating/account.py", "aggregator/rating/included.py"),
    *("aggregator/rating/drawing.py", "aggregator/rating/standing.py"),
    *("gitmeter/pricing/price_book.py", "aggregator/rating/discounts.py"),
    *("aggregator/rating/tariff.py", "aggregator/rating/windows.py", "aggregator/rating/series.py"),
    *("providers/expected.py", "providers/tag.py"),
)
"""Modules that reckon with money: not even a true division is in them."""

MODULES: Final = rules.product_modules()
Rule = Callable[[Module], Iterator[Finding]]


def broken(
    rule: Rule, modules: Iterable[Module] = MODULES, *, allowed: Iterable[str] = ()
) -> list[str]:
    return [
        f"{module.path}:{finding.line_no}: {finding.text}"
        for module in modules
        if not any(fnmatchcase(module.path, pattern) for pattern in allowed)
        for finding in rule(module)
    ]


def clock(module: Module) -> Iterator[Finding]:
    return (found for found in rules.banned_names(module) if found.name in CLOCK_NAMES)


def printing(module: Module) -> Iterator[Finding]:
    return (found for found in rules.banned_names(module) if found.name == "print")


def other_banned_names(module: Module) -> Iterator[Finding]:
    apart = {*CLOCK_NAMES, "print"}
    return (found for found in rules.banned_names(module) if found.name not in apart)


def test_every_package_is_looked_at() -> None:
    assert {module.path.partition("/")[0] for module in MODULES} == set(rules.PACKAGES)


@pytest.mark.parametrize(
    "rule",
    [
        rules.long_functions,
        rules.long_module,
        rules.missing_docstring,
        rules.assertions,
        rules.shell_strings,
        rules.foreign_private_names,
        other_banned_names,
    ],
    ids=lambda rule: rule.__name__,
)
def test_no_module_breaks_a_rule_without_exceptions(rule: Rule) -> None:
    assert broken(rule) == []


def test_only_edges_read_the_clock() -> None:
    """Anything else takes `now` as an argument; an edge belongs into `CLOCK_ALLOWED`."""
    assert broken(clock, allowed=CLOCK_ALLOWED) == []


def test_only_support_prints() -> None:
    assert broken(printing, allowed=PRINT_ALLOWED) == []


def test_sql_stands_in_one_place_of_each_room() -> None:
    assert broken(rules.sql, allowed=SQL_ALLOWED) == []


def test_no_float_comes_near_money() -> None:
    near = [module for module in MODULES if rules.handles_money(module)]
    assert near
    assert broken(rules.floats, near, allowed=FLOAT_ALLOWED) == []


def test_reckoning_with_money_divides_ints_only() -> None:
    pure = [module for module in MODULES if module.path in PURE_MONEY]
    assert [module.path for module in pure if module.path.startswith("wire_format")]
    assert broken(rules.divisions, pure) == []
    assert broken(rules.floats, pure) == []


def test_the_modules_that_reckon_with_money_are_there() -> None:
    assert sorted(set(PURE_MONEY) - {module.path for module in MODULES}) == []


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for name in rules.class_names(module):
            places[name].append(module.path)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_class_inside_another_or_a_function_is_no_second_one() -> None:
    source = "class C:\n  class D: ...\ndef f():\n  class E: ...\n"
    assert list(rules.class_names(Module("aggregator/x.py", source))) == ["C"]


LONG_FUNCTION: Final = "def f():\n" + "    x = 1\n" * rules.FUNCTION_LINES_MAX
LONG_MODULE: Final = "x = 1\n" * (rules.MODULE_LINES_MAX + 1)


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.long_functions, LONG_FUNCTION),
        (rules.long_functions, f"class C:\n  {LONG_FUNCTION}".replace("    x", "      x")),
        (rules.long_module, LONG_MODULE),
        (rules.missing_docstring, "x = 1\n"),
        (rules.missing_docstring, ""),
        (rules.assertions, "def f(x):\n    assert x\n"),
        (clock, "from datetime import UTC, datetime\nnow = datetime.now(UTC)\n"),
        (clock, "import datetime as dt\nnow = dt.datetime.utcnow()\n"),
        (clock, "from datetime import date as day\nnow = day.today()\n"),
        (clock, "import time\ndef f(clock=time.time): ...\n"),
        (clock, "from time import time\nnow = time()\n"),
        (printing, "print('x')\n"),
        (other_banned_names, "import os\nos.system('ls')\n"),
        (other_banned_names, "from os import system\nsystem('ls')\n"),
        (rules.shell_strings, "import subprocess\nsubprocess.run('ls', shell=True)\n"),
        (rules.shell_strings, "run('ls', shell=yes)\n"),
        (rules.sql, "run('SELECT 1')\n"),
        (rules.sql, "run('  insert into x'.upper(), 'DELETE FROM x')\n"),
        (rules.floats, "cost = float(x)\n"),
        (rules.floats, "cost = 0.5\n"),
        (rules.floats, "def f(cost: float): ...\n"),
        (rules.divisions, "cost = a / b\n"),
        (rules.divisions, "cost /= b\n"),
        (rules.foreign_private_names, "from wire_format.money import _AMOUNT\n"),
        (rules.foreign_private_names, "from wire_format._inner import x\n"),
        (rules.foreign_private_names, "import wire_format._inner\n"),
        (rules.foreign_private_names, "from wire_format import money\nmoney._AMOUNT\n"),
        (rules.foreign_private_names, "import wire_format.money as m\nm._AMOUNT\n"),
    ],
)
def test_each_rule_finds_what_breaks_it(rule: Rule, source: str) -> None:
    assert len(broken(rule, [Module("aggregator/x.py", source)])) == 1


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.long_functions, LONG_FUNCTION.replace("    x = 1\n", "", 1)),
        (rules.long_module, LONG_MODULE.replace("x = 1\n", "", 1)),
        (rules.missing_docstring, '"""Why."""\n'),
        (clock, "import time\nstart = time.monotonic()\n"),
        (clock, "from datetime import datetime\nx = datetime.fromisoformat(y).time()\n"),
        (clock, "def f(now): return now.time()\n"),
        (printing, "import click\nclick.echo('x')\nconsole.print('x')\n"),
        (rules.shell_strings, "run(['ls'], shell=False)\n"),
        (rules.floats, "cost_nano = 1_000_000_000\n"),
        (rules.divisions, "cost = a // b\n"),
        (rules.foreign_private_names, "from aggregator.x import _y\nself._z\n"),
        (rules.foreign_private_names, "from wire_format.money import NANO, __doc__\n"),
    ],
)
def test_no_rule_finds_what_is_fine(rule: Rule, source: str) -> None:
    assert broken(rule, [Module("aggregator/x.py", source)]) == []
