"""What the product has, the product needs: no public name is there for its tests alone."""

from typing import Final

import pytest

from tests.style.rules import Module, product_modules
from tests.style.unused import Unused, unused_names, user_modules

ALLOWED: Final = {
    "main": "the entry of a program, named in pyproject.toml",
    "Spool.record_many": "the Python API of services, which are not in this repo",
    "LazyGroup.format_commands": "click calls it",
    "LazyGroup.shell_complete": "click calls it",
    "LedgerGroup.invoke": "click calls it",
    "Metrics.describe": "prometheus_client calls it",
    "FormSchemas.model_schema": "pydantic calls it",
    "ServedConnection.connection_made": "asyncio calls it",
    "ServedConnection.data_received": "asyncio calls it",
    "ServedConnection.on_message_begin": "httptools calls it",
    "ServedConnection.on_header": "httptools calls it",
    "ServedConnection.on_headers_complete": "httptools calls it",
    "ServedConnection.on_body": "httptools calls it",
    "ServedConnection.on_message_complete": "httptools calls it",
    "ServedConnection.on_response_complete": "uvicorn calls it",
    "ServedConnection.connection_lost": "asyncio calls it",
}
"""Public names that nothing in this repo refers to, each with who does."""

USED: Final = "def f(): ...\nclass C:\n    def m(self): ...\n"


@pytest.fixture(scope="module")
def unused() -> list[Unused]:
    return list(unused_names(product_modules(), user_modules()))


def test_no_name_is_there_for_tests_alone(unused: list[Unused]) -> None:
    found = [found for found in unused if found.name not in ALLOWED]
    assert [f"{each.module}:{each.line_no}: {each.name}: delete it" for each in found] == []


def test_every_exception_is_still_needed(unused: list[Unused]) -> None:
    assert sorted(set(ALLOWED) - {found.name for found in unused}) == []


@pytest.mark.parametrize(
    ("source", "users", "names"),
    [
        (USED, "", ["f", "C", "C.m"]),
        (USED, "from aggregator.x import C, f\nf(C().m)\n", []),
        (USED, "import aggregator.x as x\nx.f(x.C().m)\n", []),
        (USED, "from aggregator import x\ngetattr(x.C(x.f), 'm')\n", []),
        (USED, "from aggregator.y import C, f\n", ["f", "C", "C.m"]),
        (USED + "f(C().m)\n", "", []),
        ("def f(): return f()\n", "", ["f"]),
        ("class C:\n    def m(self): return self.m()\n", "C", ["C", "C.m"]),
        ("@cli.command()\ndef f(): ...\n", "", []),
        ("class C:\n    @property\n    def p(self): ...\nC\n", "", ["C.p"]),
        ("def _f(): ...\nclass _C:\n    def m(self): ...\n", "", []),
    ],
)
def test_what_only_tests_could_use_is_found(source: str, users: str, names: list[str]) -> None:
    """By its full name, or for a method by its own; recursion and other modules do not count."""
    modules = [Module("aggregator/x.py", source)]
    found = unused_names(modules, [Module("benchmarks/u.py", users)])
    assert [each.name for each in found] == names
