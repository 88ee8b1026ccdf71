"""Two portals, each beside an aggregator of its own that reads the same repos."""

from pathlib import Path

from tests.portal.place import PortalPlace, problem


def test_both_say_the_same_and_a_revoked_key_closes_at_once_here_and_with_the_next_pull_there(
    place: PortalPlace, tmp_path: Path
) -> None:
    """Ledgers at the same commits have one digest; what was settled at one holds at both."""
    key, other = place.key(), place.beside(tmp_path / "other")
    place.pull()
    other.pull()
    assert place.world.digest() == other.world.digest()
    with other.serving():
        here, there = place.client(key), other.client(key)
        assert here.json("/v1/balance") == there.json("/v1/balance")
        made = here.ask("POST", "/v1/keys", json={"scopes": ["balance:read"]}).json()
        assert place.client(made["key"]).get("/v1/balance").status_code == 200
        assert problem(other.client(made["key"]).get("/v1/balance")) == (401, "unauthorized")
        place.pushed()
        other.pull()
        assert other.client(made["key"]).get("/v1/balance").status_code == 200
        assert here.ask("DELETE", f"/v1/keys/{made['key_id']}").status_code == 204
        assert problem(place.client(made["key"]).get("/v1/balance")) == (401, "unauthorized")
        place.pushed()
        assert other.client(made["key"]).get("/v1/balance").status_code == 200
        other.pull()
        assert problem(other.client(made["key"]).get("/v1/balance")) == (401, "unauthorized")
        place.pull()
        assert place.world.digest() == other.world.digest()
