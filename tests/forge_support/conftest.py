"""A forge with one repo, and something to push."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge_support.calling import Client
from tests.support.forge import ForgeServer
from tests.support.repos import RepoWriter


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    with ForgeServer(tmp_path / "forge") as running:
        running.create("billing-a")
        yield running


@pytest.fixture
def gitea(tmp_path: Path) -> Iterator[ForgeServer]:
    """The same as a Gitea."""
    with ForgeServer(tmp_path / "gitea", flavour="gitea") as running:
        running.create("billing-a")
        yield running


@pytest.fixture
def gitea_client(gitea: ForgeServer) -> Iterator[Client]:
    made = Client(gitea)
    yield made
    made.close()


@pytest.fixture
def client(forge: ForgeServer) -> Iterator[Client]:
    made = Client(forge)
    yield made
    made.close()


@pytest.fixture
def work(tmp_path: Path) -> RepoWriter:
    """A repo with a commit to push."""
    writer = RepoWriter(tmp_path / "work.git")
    writer.commit({"a": b"1"})
    return writer
