"""SSH's wire format: strings and numbers preceded by their length (RFC 4251, 5). Pure."""

from typing import Final

_LENGTH_BYTES: Final = 4


class MalformedError(ValueError):
    """Malformed bytes; the message says what is wrong, for a person."""


class Reader:
    """Reads one field after the other.

    Raises:
        MalformedError: from each method, where the bytes end too early or are something else.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise MalformedError("it ends in the middle of a field")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def uint32(self) -> int:
        """A number of four bytes."""
        return int.from_bytes(self.take(_LENGTH_BYTES))

    def string(self) -> bytes:
        """Bytes preceded by their length."""
        return self.take(self.uint32())

    def natural(self) -> int:
        """An `mpint` of zero or above, in its shortest form."""
        data = self.string()
        value = int.from_bytes(data)
        if data != _natural_bytes(value):
            raise MalformedError("a number in it is negative or not in its shortest form")
        return value

    def end(self) -> None:
        """Check that nothing is left."""
        if self._at != len(self._data):
            raise MalformedError("something follows its last field")


def uint32(value: int) -> bytes:
    """A number as four bytes."""
    return value.to_bytes(_LENGTH_BYTES)


def string(data: bytes) -> bytes:
    """Bytes preceded by their length."""
    return uint32(len(data)) + data


def _natural_bytes(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1) if value else b""
