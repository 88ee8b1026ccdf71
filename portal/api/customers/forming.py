"""Forms from answers of the aggregator: what a form names, and nothing else of the answer.

So what an answer says for the operator alone (nodes, repos, who wrote a line) reaches no customer
unless a form has a field for it. Pure.
"""

from typing import Any, Final, TypeVar

from aggregator.reports.basis import Answer
from portal.api.request import Form
from wire_format.money import format_usd

_Wanted = TypeVar("_Wanted", bound=Form)
_USD: Final = "_usd"


def formed(form: type[_Wanted], stated: Answer, **other: Any) -> _Wanted:  # noqa: ANN401 - fields of the form
    """A form, with what an answer states under the names of its fields.

    Args:
        form: the form.
        stated: the answer; an amount that it has in nano-dollars alone is taken from there.
        other: fields that it does not state, or not so.
    """
    found: dict[str, Any] = {}
    for name in form.model_fields.keys() - other.keys():
        nano = f"{name.removesuffix(_USD)}_nano" if name.endswith(_USD) else ""
        if name in stated:
            found[name] = stated[name]
        elif nano in stated:
            found[name] = format_usd(stated[nano])
        elif (alias := form.model_fields[name].serialization_alias) in stated:
            found[name] = stated[alias or name]
    return form(**found, **other)
