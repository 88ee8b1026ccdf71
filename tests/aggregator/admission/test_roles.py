"""A repo carries the folders of its role; a file in any other is rejected."""

from pathlib import Path
from typing import Final

import pytest

from gitmeter.roles.role import ROLES, Role
from tests.support.ledger.world import BOOKS, DAY, World
from tests.support.repos import segment_path
from wire_format.lines import Folder

MAY_CARRY: Final[dict[Role, set[str]]] = {
    "usage": {"usage"},
    "books": {"payments", "decisions", "accounts"},
    "till": {"payments", "accounts"},
    "desk": {"payments", "accounts"},
}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_repo_may_carry_follows_from_its_role(tmp_path: Path, role: Role) -> None:
    world = World(tmp_path)
    name = BOOKS if role == "books" else "node-1"
    writer = world.repo(name, role=role)
    files = {segment_path(DAY, 1, folder=folder): b"not a line\n" for folder in Folder}
    writer.commit(dict(files))
    world.pull()
    reasons = {row["path"]: row["reason"] for row in world.rejects()}
    assert reasons.keys() == files.keys()
    refused = {
        path.partition("/")[0]
        for path, reason in reasons.items()
        if reason.startswith(f"a repo whose role is {role} cannot carry")
    }
    assert refused == {str(folder) for folder in Folder} - MAY_CARRY[role]
