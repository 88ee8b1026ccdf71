"""How fresh an answer about money is, as a customer may see it."""

import hmac
from typing import Any, Final

from aggregator.reports.basis import Answer
from portal.api.models.fields import NodeWaiting
from portal.api.request import Asked

_ALIAS_DIGITS: Final = 8


def fresh(asked: Asked, stands_on: Answer) -> dict[str, Any]:
    """The fields of `models.fields.Fresh`.

    Args:
        asked: the request.
        stands_on: of `aggregator.reports.basis.stands_on`, about this account.
    """
    waiting = [
        NodeWaiting(node=alias(asked, each["node"]), why=each["why"])
        for each in stands_on["waiting_for"]
    ]
    return {
        "as_of": stands_on["nodes_billed_until"],
        "waiting_for": waiting,
        "tests_count": stands_on["tests_count"],
    }


def alias(asked: Asked, node: str) -> str:
    """A name for a node that says nothing of the fleet: each account sees another one."""
    said = f"{asked.holder.user}\n{node}".encode()
    return f"node-{hmac.digest(asked.portal.desk.seal, said, 'sha256').hex()[:_ALIAS_DIGITS]}"
