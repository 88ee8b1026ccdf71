"""One new segment, read and decoded within the limits of the wire format."""

from typing import TYPE_CHECKING

from aggregator.mirrors.mirror import Mirror
from wire_format import fields
from wire_format.faults import Fault, FaultCode
from wire_format.lines import Folder
from wire_format.paths import parse_path
from wire_format.segment import Segment, decode_one_by_one, decode_valid

if TYPE_CHECKING:  # the child reads blobs alone, and starts without the rule book
    from aggregator.mirrors.commit_delta import AddedFile


def read_segment(mirror: Mirror, file: "AddedFile") -> Segment | Fault:
    """Decode a new segment, or return why the whole file is refused.

    Limits are checked before memory is spent on what exceeds them.

    Raises:
        MirrorError: the blob is not in the mirror.
    """
    return _read(mirror, file.blob, parse_path(file.path).folder)


def read_usage(mirror: Mirror, blob: str) -> Segment | Fault:
    """`read_segment` for a segment of usage, by its blob alone.

    Raises:
        MirrorError: the blob is not in the mirror.
    """
    return _read(mirror, blob, Folder.USAGE)


def _read(mirror: Mirror, blob: str, folder: Folder) -> Segment | Fault:
    if (size := mirror.blob_size(blob)) > fields.SEGMENT_BYTES_MAX:
        return refused(f"{size} bytes; a segment has at most {fields.SEGMENT_BYTES_MAX}")
    data = mirror.read_blob(blob)
    if not data:
        return refused("is empty")
    segment = decode_valid(data, folder)
    # valid lines need no counting first: none is so short that a segment could have twice as many
    lines = data.count(b"\n") if segment is None else len(segment.records)
    if lines > fields.SEGMENT_RECORDS_MAX:
        return refused(f"{lines} lines; a segment has at most {fields.SEGMENT_RECORDS_MAX}")
    return segment or decode_one_by_one(data, folder)


def refused(reason: str) -> Fault:
    """The fault of a whole file."""
    return Fault(FaultCode.REFUSED_FILE, reason)
