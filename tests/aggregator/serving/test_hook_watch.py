"""Whether webhooks arrive, whatever the order in which pushes are found and webhooks come."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.serving.hook_watch import LATE_S, PUSHES_MIN, HookWatch, Missing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _judged(*events: str, at_s: float = LATE_S) -> Missing | bool | None:
    """Verdict after events: `+a` is a webhook for repo a, `a` a push found in it at second 0."""
    watch = HookWatch()
    for event in events:
        if event.startswith("+"):
            watch.arrived(event[1:])
        else:
            watch.found(event, NOW, 0.0)
    return watch.judge(at_s)


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ((), None),
        (("a",), None),
        (("a", "b"), None),
        (("a", "b", "c"), Missing(3, NOW)),
        (("a", "a", "a", "a"), Missing(4, NOW)),
        (("+a",), True),
        (("+a", "a", "+b", "b"), True),
        (("+a", "+b", "+c", "a", "b", "c"), True),
        (("a", "b", "c", "+c"), True),
        (("a", "b", "c", "+x"), True),
        (("+a", "a", "a", "b", "c"), Missing(3, NOW)),
        (("a", "+a", "a", "b", "c"), Missing(3, NOW)),
        (("+a", "a", "b", "c"), True),
    ],
)
def test_each_outcome(events: tuple[str, ...], wanted: object) -> None:
    assert _judged(*events) == wanted


def test_a_webhook_may_be_on_its_way() -> None:
    """Three pushes that one pass found prove nothing before their webhooks are late."""
    assert _judged("a", "b", "c", at_s=LATE_S - 1) is None
    assert _judged("a", "b", "c", at_s=LATE_S) == Missing(PUSHES_MIN, NOW)


@given(repos=st.sets(st.sampled_from("abcdefgh")), data=st.data())
def test_where_every_push_has_its_webhook_nothing_is_missing_in_any_order(
    repos: set[str], data: st.DataObject
) -> None:
    events = data.draw(st.permutations([*sorted(repos), *(f"+{repo}" for repo in sorted(repos))]))
    assert _judged(*events) is (True if repos else None)


@given(pushes=st.lists(st.sampled_from("abcd"), min_size=PUSHES_MIN))
def test_pushes_without_any_webhook_are_missing_whatever_repos_they_are_in(
    pushes: list[str],
) -> None:
    assert _judged(*pushes) == Missing(len(pushes), NOW)
