"""docs/api.md: its examples print what it shows, and its tables have all that there is."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aggregator.config.settings import Config
from aggregator.reports.terms.allowed import UseVerdict
from docs.generate import DOCS
from portal.access.scopes import ALLOWED, ROLES, SCOPES, STAFF, STAFF_ALLOWED
from portal.api.routes import ROUTES
from portal.config.tables import PortalConfig, PortalListenTable
from tests.portal.place import PortalPlace
from tests.style.rules import product_modules
from tests.support.local_http import free_port
from tests.systemd.units import unknown_words
from wire_format.rule_files.writers_file import parse_writers

PAGE: Final = (DOCS / "api.md").read_text()
BIN: Final = Path(sys.executable).parent
PROGRAMS: Final = ("aggregator", "books", "portal")
ELSEWHERE: Final = "https://portal.example"
LISTENING: Final = "127.0.0.1:8770"
_SHOWN: Final = re.compile(r"^```console\n((?:.*\n)*?)```$", re.MULTILINE)
_COMMAND: Final = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_ROUTES: Final = re.compile(
    r"(?<=\| request \| scope \| what it is for \|\n\|---\|---\|---\|\n)(\|.*\n)*"
)
_KEY_ID: Final = re.compile(r'(?<="key_id": ")[0-9a-f]{16}')
_VARIABLE: Final = re.compile(
    r"oc_live_[0-9a-f]{32}|\b[0-9a-f]{16,64}\b|\bnode-[0-9a-f]{8}\b|r=\d+;t=\d+"
)
"""What is another thing at each run."""


def blocks(words: str) -> list[str]:
    """The blocks of a language and mark."""
    return re.findall(rf"^```{words}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def api_place(folder: Path) -> PortalPlace:
    """Alice has a plan, a grant and usage; bob owes something."""
    place = PortalPlace(folder, top_up_url="https://hosting.example/topup")
    world = place.world
    world.later(minutes=5)
    world.pay_in("60.00")
    world.pay_in("0.50", user="bob")
    world.plan("pro", fee="30.00")
    world.grant("welcome", "2.00", days=30, scope=["search/*"])
    world.use(25)
    world.use(1500, "llm/tokens")
    world.use(600, "llm/tokens", user="bob")
    world.later(days=1)
    world.use(3)
    world.later(days=1, hours=2)
    for user, scopes, file in (
        ("alice", (*SCOPES, "allowed:*"), "key"),
        ("broker", ("staff:allowed:llm/*",), "service_key"),
    ):
        made = place.key(user, *scopes)
        (folder / file).write_text(f"Authorization: Bearer {made.secret}\n")
    place.pull()
    return place


class Asking:
    """Runs the commands of the page, one after the other, against a portal of a test.

    Attributes:
        key_ids: names of keys as the page shows them, each with the one that is there.
    """

    def __init__(self, place: PortalPlace, folder: Path) -> None:
        self._place = place
        self._folder = folder
        self.key_ids: dict[str, str] = {}

    def said(self, command: str, shown: str) -> str:
        """What a command prints; names of keys that were shown stand for those that are there."""
        for stated, real in self.key_ids.items():
            command = command.replace(stated, real)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace(ELSEWHERE, self._place.url)],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        said = ran.stdout
        self.key_ids |= dict(zip(_KEY_ID.findall(shown), _KEY_ID.findall(said), strict=False))
        return said


def every_command(asking: Asking) -> Iterator[tuple[str, str, str]]:
    """Each command of the page, with what it shows and what it says."""
    for block in _SHOWN.findall(PAGE):
        for command, shown in _COMMAND.findall(block):
            yield command, shown, asking.said(command, shown)


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    """One after the other, but for keys, their names, and the state of limits."""
    place, count = api_place(tmp_path), 0
    with place.serving():
        for command, shown, said in every_command(Asking(place, tmp_path)):
            assert essence(said) == essence(shown), command
            count += 1
    assert count == PAGE.count("\n$ ") >= 10


def essence(text: str) -> list[str]:
    return [_VARIABLE.sub("...", line) for line in text.splitlines()]


def test_the_portal_of_ones_own_machine_can_be_tried_word_by_word(tmp_path: Path) -> None:
    """With the real programs, from empty repos to a balance over HTTP."""
    (script,) = blocks("sh")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(LISTENING, f"127.0.0.1:{free_port()}")],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert '"balance_usd": "25.00"' in ran.stdout


def test_the_programs_know_what_is_run_elsewhere() -> None:
    lines = [
        shlex.split(line, comments=True)
        for block in blocks("sh elsewhere")
        for line in re.split(r"\n|\|", block.replace("\\\n", " "))
    ]
    called = []
    for words in lines:
        at = words.index("--") + 1 if "--" in words else 0
        if words[at:] and words[at] in PROGRAMS:
            called.append(words[at:])
    assert len(called) >= 8
    assert {" ".join(words): unknown_words(words) for words in called if unknown_words(words)} == {}


def test_the_configurations_can_be_used() -> None:
    """Each file, and the reverse proxies lead to where the portal listens."""
    (aggregator,), (writers,), (portal,), issuers = map(
        blocks, ("toml aggregator", "toml writers", "toml portal", "toml issuers")
    )
    config = Config.model_validate(tomllib.loads(aggregator))
    assert config.books == "books"
    assert parse_writers(writers.encode()).desks
    served = PortalConfig.model_validate(tomllib.loads(portal))
    for stated in issuers:
        both = PortalConfig.model_validate(tomllib.loads(f"{portal}\n{stated}"))
        assert len(both.issuer) == 1
    assert served.listen.address == PortalListenTable().address == LISTENING
    for proxy in (*blocks("nginx"), *blocks("caddy")):
        assert LISTENING in proxy
        assert "/v1/" in proxy
        assert proxy.count("{") == proxy.count("}")
    assert all(route.path.startswith("/v1/") for route in ROUTES)


def rows(heading: str) -> list[str]:
    """The first column of the table that begins with a heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| (.+?) \|", table, re.MULTILINE)


def test_the_table_of_scopes_has_each_of_them() -> None:
    named = [re.findall(r"`([^`]+)`", row)[0] for row in rows("scope | opens")]
    assert named == [*SCOPES, ALLOWED, STAFF_ALLOWED, STAFF]
    for name, words in {**SCOPES, **ROLES}.items():
        assert f"| `{name}` | {words} |" in PAGE


def test_the_table_of_problems_has_every_kind() -> None:
    named = {name for row in rows("kind | status") for name in re.findall(r"`([a-z-]+)`", row)}
    found = {str(each) for each in UseVerdict} - {UseVerdict.ALLOWED}
    for module in product_modules():
        if module.path.startswith("portal/api/"):
            stated = r'(?:ProblemError|conflict)\(\s*f?"([a-z-]+)'
            found |= set(re.findall(stated, module.source))
    found = found - {"is-"} | {"is-suspended", "is-open"}
    assert named == found


def test_the_table_of_settings_has_every_key() -> None:
    named = {row.strip("`").removeprefix("[listen] ").strip("[]") for row in rows("key | meaning")}
    assert named == (set(PortalConfig.model_fields) | set(PortalListenTable.model_fields)) - {
        "listen"
    }


def test_the_table_of_routes_is_the_one_that_is_served() -> None:
    """`page_of` writes it again."""
    found = _ROUTES.search(PAGE)
    assert found is not None
    assert found[0] == table_of_routes()


def table_of_routes() -> str:
    """As the page has it."""
    made = []
    for route in ROUTES:
        scope = f"`{route.scope}`" if route.scope else "any"
        if len(route.roles) not in {0, len(ROLES)}:
            scope += f", {' or '.join(sorted(route.roles))}"
        made.append(f"| `{route.method} {route.path}` | {scope} | {route.summary} |\n")
    return "".join(made)


def page_of(folder: Path) -> str:
    """The page with what the commands print now."""
    place, page = api_place(folder), PAGE
    asking = Asking(place, folder)
    with place.serving():
        for command, shown, said in every_command(asking):
            page = page.replace(f"$ {command}\n{shown}", f"$ {command}\n{said}", 1)
    for stated, real in asking.key_ids.items():
        page = page.replace(stated, real)
    return _ROUTES.sub(lambda _: table_of_routes(), page, count=1)
