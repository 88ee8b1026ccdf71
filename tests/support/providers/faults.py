"""What may be wrong with an answer, and for how many requests."""

from typing import Final, Literal, NamedTuple

from starlette.responses import Response

Fault = int | Literal["garbage", "no utf-8", "another form", "huge", "lost"]
"""`lost`: it is done as asked for, and nobody hears of it."""
HUGE_BYTES: Final = 20 << 20


class _Told(NamedTuple):
    fault: Fault
    about: str
    times_left: int


class Faults:
    """Spoils answers as it is told to."""

    def __init__(self) -> None:
        self._told: list[_Told] = []

    def add(self, fault: Fault, about: str = "", times: int = 1) -> None:
        """The next so many requests whose path has `about` in it are answered so."""
        self._told.append(_Told(fault, about, times))

    def spoiled(self, path: str) -> Response | None:
        """A wrong answer in place of any other, if it is time for one."""
        fault = self._next(path, is_lost=False)
        return None if fault is None else _wrong(fault)

    def loses(self, path: str) -> bool:
        """Whether the answer to what was done is lost."""
        return self._next(path, is_lost=True) is not None

    def _next(self, path: str, *, is_lost: bool) -> Fault | None:
        for at, told in enumerate(self._told):
            if told.times_left and told.about in path and (told.fault == "lost") is is_lost:
                self._told[at] = told._replace(times_left=told.times_left - 1)
                return told.fault
        return None


def _wrong(fault: Fault) -> Response:
    if fault == "garbage":
        return Response(b"<html>It works!</html>", 200)
    if fault == "no utf-8":
        return Response(b'{"id": "\xff"}', 200)
    if fault == "another form":
        return Response(b'{"id": 5, "object": "teapot", "data": "many"}', 200)
    if fault == "huge":
        return Response(b'{"id": "' + b"x" * HUGE_BYTES + b'"}', 200)
    body = b'{"error": {"type": "api_error", "message": "An error occurred."}}'
    return Response(body, 504 if fault == "lost" else fault)
