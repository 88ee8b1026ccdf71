"""What `pip install gitmeter` brings is what a node needs, and little."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.style.test_loaded_modules import ALLOWED

PACKAGES_MAX: Final = 15
ASKED_FOR: Final = {
    *("click", "orjson", "pydantic", "pygit2", "pytest", "requests"),
    *("schedule", "sqlite-utils", "structlog"),
}
"""The packages that the project is meant to be built on."""


def required(name: str, extra: str) -> Iterator[str]:
    """The packages that a package needs itself, with one of its extras or none."""
    for text in requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield canonicalize_name(requirement.name)


def installed(name: str, extra: str = "") -> set[str]:
    """A package and all that comes with it."""
    found, waiting = {name}, [*required(name, extra)]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += required(package, "")
    return found


def of_extra(extra: str) -> set[str]:
    """All that comes with an extra of this project, as pyproject.toml states it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = installed("gitmeter")
    for text in project["optional-dependencies"][extra]:
        wanted = Requirement(text)
        if wanted.name == "gitmeter":
            found |= set().union(*map(of_extra, wanted.extras))
        else:
            found |= installed(canonicalize_name(wanted.name))
    return found


def test_a_node_installs_few_packages() -> None:
    assert len(found := installed("gitmeter")) <= PACKAGES_MAX, sorted(found)


def test_a_node_may_load_nothing_that_is_not_installed_with_it() -> None:
    """`tests.style.test_loaded_modules` holds its commands to what they may load."""
    distributions = packages_distributions()
    base = installed("gitmeter")
    may_load = {
        package
        for command, packages in ALLOWED.items()
        for package in packages
        if command.startswith("node-pusher")
    }
    optional = {"typing_extensions"}  # taken where it is installed for something else
    for package in may_load - optional:
        assert {canonicalize_name(name) for name in distributions[package]} & base, package


def test_every_package_that_was_asked_for_is_installed_with_some_extra() -> None:
    extras = ("", "books", "aggregator", "dev")
    assert set().union(*(required("gitmeter", extra) for extra in extras)) >= ASKED_FOR


@pytest.mark.parametrize(
    ("extra", "module"),
    [
        ("till", "till.serving.service"),
        ("portal", "portal.serving.service"),
    ],
)
def test_what_serves_is_installed_with_its_extra(extra: str, module: str) -> None:
    distributions = packages_distributions()
    source = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    loaded = {
        canonicalize_name(name)
        for package in ran.stdout.split()
        for name in distributions.get(package, ())
    }
    # taken where they are installed for something else
    optional = {"attrs", "greenlet", "typing-extensions", *installed("rich")}
    assert "starlette" in loaded
    assert loaded - of_extra(extra) - optional == set()
