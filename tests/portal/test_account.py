"""What an account is told about itself."""

from tests.portal.place import PortalPlace, problem


def test_the_balance_is_that_of_the_aggregator(place: PortalPlace) -> None:
    """In dollars as text, with how fresh it is."""
    key = place.key()
    place.world.plan("pro", fee="5.00")
    place.world.use(30)
    place.world.use(2000, "llm/tokens")
    place.world.later(hours=1)
    place.pull()
    said = place.client(key).json("/v1/balance")
    own = place.world.balance()
    assert said["balance_usd"] == own["balance_usd"]
    assert said["plan"] == "pro"
    assert said["as_of"] == own["nodes_billed_until"]
    assert said["waiting_for"] == []
    assert [grant["category"] for grant in said["grants"]] == ["promotional"]


def test_a_stranger_learns_nothing(place: PortalPlace) -> None:
    place.pull()
    for shown in (None, "oc_live_" + "0" * 32, "nonsense"):
        assert problem(place.client(shown).get("/v1/balance")) == (401, "unauthorized")
