"""Stories about money that nobody would write: made at random, to be judged in two ways."""

from random import Random
from typing import Any

from tests.support.money_story import Story

_TILLS = ("till-1", "till-2")
_AMOUNTS = ("1", "2.0", "2.00", "3", "5", "7.5")
_USERS = ("alice", "bob")
_TZS = {"provider": "clickpesa-tz", "currency": "TZS"}


def random_story(chance: Random) -> Story:
    """Two tills with a low limit and the books: movements, repeats, rivals, decisions, copies."""
    limits = {"unconfirmed_max_usd": chance.choice(("4", "9", "20")), "payment_max_usd": "7"}
    story = Story({node: dict(limits) for node in _TILLS})
    day = 1.0
    for _ in range(chance.randint(3, 14)):
        day += chance.choice((0, 0.25, 0.5, 1))
        chance.choices(
            (_pay, _shillings, _take, _reuse, _copy, _decide, _reconcile, _of_the_books),
            (6, 2, 5, 1, 1, 2, 4, 3),
        )[0](story, chance, day)
    return story


def _common(chance: Random) -> dict[str, Any]:
    return {"user": chance.choice(_USERS)}


def _payment(chance: Random) -> str:
    return f"pi_{chance.randint(1, 3)}"


def _pay(story: Story, chance: Random, day: float) -> None:
    back = chance.choice((0, 0, 1, 2))
    node, amount = chance.choice(_TILLS), chance.choice((*_AMOUNTS, "8"))
    story.pay(
        node, _payment(chance), amount, day - min(back, day - 1), committed=day, **_common(chance)
    )


def _shillings(story: Story, chance: Random, day: float) -> None:
    more: dict[str, Any] = {**_common(chance), **_TZS}
    ref, node = f"CP{chance.randint(1, 2)}", chance.choice(_TILLS)
    if chance.random() < 1 / 4:
        story.pay(node, ref, "3000", day, **(more | {"status": "undecided", "user": None}))
    else:
        story.pay(node, ref, "3000", day, credited_usd=chance.choice(("1", "3")), **more)


def _take(story: Story, chance: Random, day: float) -> None:
    kind = chance.choice(("refund", "refund", "dispute", "refund_reversal", "dispute_reversal"))
    prefix = "re_" if kind.startswith("refund") else "txn_"
    amount, node = chance.choice(_AMOUNTS), chance.choice(_TILLS)
    of, ref = _payment(chance), f"{prefix}{chance.randint(1, 2)}"
    if chance.random() < 1 / 4:
        of, more = f"CP{chance.randint(1, 2)}", {**_common(chance), **_TZS}
        story.about(kind, node, ref, of, chance.choice(("1000", "2500")), day, **more)
    else:
        story.about(kind, node, ref, of, amount, day, **_common(chance))


def _reuse(story: Story, chance: Random, day: float) -> None:
    node = chance.choice(_TILLS)
    seq = chance.randint(1, 3)
    before = story.next_seq(node)
    story.pay(node, _payment(chance), chance.choice(_AMOUNTS), day, seq=seq, **_common(chance))
    story.set_next_seq(node, max(before, seq + 1))


def _copy(story: Story, chance: Random, day: float) -> None:
    own = [line for line in story.lines if line["role"] == "till"]
    if own:
        line = chance.choice(own)
        commit = story.commit(line["repo"], day)
        story.lines.append({**line, "commit": commit, "commit_ts": story.commits[commit]["ts"]})


def _commit_of(story: Story, chance: Random, node: str) -> str | None:
    own = [name for name in story.commits if name.rpartition(".")[0] == node]
    return chance.choice(own) if own else None


def _decide(story: Story, chance: Random, day: float) -> None:
    node = chance.choice(_TILLS)
    kind = chance.choice(("exclude", "only", "seen", "withdraw"))
    tip = _commit_of(story, chance, node)
    if kind == "exclude":
        story.decide(kind, day, of=node, of_seq=chance.randint(1, 4))
    elif kind == "withdraw":
        if (last := story.next_seq("books") - 1) > 0:
            story.decide(kind, day, refers_to=chance.randint(1, last))
    elif tip is not None:
        story.decide(kind, day, of=node, tip=tip)


def _reconcile(story: Story, chance: Random, day: float) -> None:
    node = chance.choice(_TILLS)
    tip = _commit_of(story, chance, node)
    if tip is not None:
        first = chance.randint(1, 4)
        story.reconcile(node, first, first + chance.randint(0, 2), day, tip=tip)


def _of_the_books(story: Story, chance: Random, day: float) -> None:
    what = chance.randint(0, 2)
    if what == 0:
        version = {"v": chance.choice((1, 2))}
        story.pay(
            "books", _payment(chance), chance.choice(_AMOUNTS), day, **version, **_common(chance)
        )
    elif what == 1:
        more = {"v": 2, **_common(chance), **_TZS, "credited_usd": "2"}
        story.pay("books", f"CP{chance.randint(1, 2)}", "3000", day, **more)
    elif (last := story.next_seq("books") - 1) > 0:
        more = {"kind": "refund", "refers_to": chance.randint(1, last), **_common(chance)}
        story.pay("books", f"re_{chance.randint(1, 2)}", chance.choice(_AMOUNTS), day, **more)
