"""Each command loads the third-party packages that it needs, and no others.

Starting Python and importing packages is most of what a command costs, and one import too many is
easily made. What a list gains here, every start of that command pays.
"""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from benchmarks.startup import Site
from tests.support.git_http import GitHttpServer

_BASE: Final = frozenset({"click"})
_DATABASE: Final = _BASE | {
    *("msgspec", "sqlite_utils"),
    # of sqlite_utils
    *("click_default_group", "dateutil", "pluggy", "sqlite_fts4", "tabulate"),
}
_GIT: Final = _BASE | {"msgspec", "pygit2", "cffi", "_cffi_backend"}
_HTTP: Final = frozenset({"requests", "urllib3", "certifi", "idna", "charset_normalizer"})
_KEYS: Final = frozenset({"cryptography"})
_RULES: Final = frozenset({"annotated_types", "pydantic", "pydantic_core", "typing_inspection"})
_TYPING: Final = frozenset({"typing_extensions"})
_JSON: Final = frozenset({"orjson"})

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "aggregator --version": _BASE,
    "aggregator --help": _BASE,
    "aggregator charges --help": _BASE,
    "aggregator pull --help": _BASE,
    "aggregator node add --help": _BASE,
    "aggregator balance alice": _DATABASE | _TYPING,
    "aggregator balance --json": _DATABASE | _TYPING | _JSON,
    "aggregator charges alice": _DATABASE | _TYPING | _RULES,
    "aggregator grants alice": _DATABASE | _TYPING,
    "aggregator entitlements alice": _DATABASE | _TYPING,
    "aggregator accounts --due": _DATABASE | _TYPING | _RULES,
    "aggregator export --help": _BASE,
    "aggregator export charges": _DATABASE | _TYPING | _RULES,
    "aggregator export payments": _DATABASE | _TYPING,
    "aggregator nodes": _DATABASE | _TYPING,
    "aggregator incidents": _DATABASE | _TYPING,
    "aggregator unpriced": _DATABASE | _TYPING,
    "aggregator rejects": _DATABASE | _TYPING,
    "aggregator decisions": _DATABASE | _TYPING,
    "books --help": _BASE,
    "books rules set --help": _BASE,
    "books pay alice 1.00": _GIT | _KEYS | _TYPING,
    "books pay -": _GIT | _KEYS | _TYPING,
    "till --version": _BASE,
    "till --help": _BASE,
    "till serve --help": _BASE,
    "till refund --help": _BASE,
    "till config-example": _BASE,
    "portal --version": _BASE,
    "portal --help": _BASE,
    "portal serve --help": _BASE,
    "portal config-example": _BASE,
    "node-pusher --help": _BASE,
    "node-pusher listen --help": _BASE,
    "node-pusher record --user a --resource r --units 1": _BASE | _TYPING | {"msgspec"},
    "node-pusher status": _GIT | _KEYS | _TYPING,
    "node-pusher push": _GIT | _KEYS | _TYPING,
    "node-pusher push over http": _GIT | _KEYS | _TYPING | _HTTP,
}
"""Command to the top-level packages outside of the standard library and this project."""

ROWS: Final = '{"user":"alice","amount":"1.00"}'
"""For commands that read standard input."""

LOADED: Final = """
import json, sys
from {module} import main
sys.argv = {command}
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
files = {{name: getattr(module, "__file__", None) for name, module in sys.modules.items()}}
loaded = {{name.partition(".")[0] for name, file in files.items()
          if file is not None and file.startswith({installed})}}
loaded.discard("_distutils_hack")  # setuptools', in an environment that has it
print(json.dumps(sorted(loaded)), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "remotes").mkdir()
    with GitHttpServer(folder / "remotes") as server:
        yield Site(folder, Path(sys.executable).parent, server)


def loaded(module: str, command: list[str], stdin: str) -> set[str]:
    source = LOADED.format(
        module=module,
        command=command,
        installed=(sysconfig.get_path("purelib"), sysconfig.get_path("platlib")),
    )
    ran = subprocess.run(
        [sys.executable, "-c", source],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stderr.splitlines()[-1]))


@pytest.mark.parametrize("name", ALLOWED)
def test_a_command_loads_no_package_that_it_may_not(name: str, site: Site) -> None:
    words = name.removesuffix(" over http").split()
    home = site.http_home if name.endswith("over http") else site.node_home
    place = {
        "aggregator": ["--config", str(site.config)],
        "books": ["--home", str(site.books_home)],
        "till": ["--home", str(home)],
        "portal": ["--home", str(home)],
        "node-pusher": ["--home", str(home)],
    }[words[0]]
    module = f"{words[0].replace('-', '_')}.cli"
    assert loaded(module, [words[0], *place, *words[1:]], ROWS) <= ALLOWED[name]


def test_a_process_that_reads_ahead_starts_without_the_rule_book() -> None:
    """Two of them start where there is much to read, and all wait until they are there."""
    assert loaded("aggregator.ledger.reading.child", ["child"], "") <= _GIT | _TYPING
