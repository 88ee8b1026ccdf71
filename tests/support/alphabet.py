"""Texts with every sign that ids, references and reasons may have."""

from hypothesis import strategies as st

from wire_format.fields import REASON_PATTERN, REFERENCE_PATTERN, RESOURCE_PATTERN, USER_PATTERN

_PATTERNS = (USER_PATTERN, RESOURCE_PATTERN, REFERENCE_PATTERN, REASON_PATTERN)
_SIGNS = "".join(map(chr, range(ord(" "), ord("~") + 1)))


def ids() -> st.SearchStrategy[str]:
    """Ids and reasons, and texts that begin with each sign that means something to some reader."""
    hostile = st.tuples(st.sampled_from(_SIGNS), st.text(_SIGNS, max_size=8)).map("".join)
    return hostile | st.one_of([st.from_regex(each, fullmatch=True) for each in _PATTERNS])
