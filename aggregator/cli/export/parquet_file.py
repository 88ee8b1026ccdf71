"""Rows as Parquet, with exact decimals. Imports pyarrow, which `gitmeter[parquet]` installs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from aggregator.cli.export.output import Stream
from aggregator.reports.exports.table import Export, Kind

_BATCH_ROWS: Final = 2048
"""Rows that are Python objects at one time."""
_GROUP_BATCHES: Final = 16
"""Batches that are compact in memory before they are written: a row group has 32,768 rows."""

_TYPES: Final[Mapping[Kind, Any]] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "units": pa.decimal128(38, 0),
    "nano": pa.decimal128(38, 9),
    "decimal": pa.decimal128(38, 15),
    "price": pa.decimal128(38, 24),
    "instant": pa.timestamp("us", tz="UTC"),
    "boolean": pa.bool_(),
}


def write_parquet(export: Export, stream: Stream) -> int:
    """Write the rows and return how many there were."""
    schema = pa.schema([(column.name, _TYPES[column.kind]) for column in export.columns])
    count = 0
    with ParquetWriter(stream, schema, compression="zstd") as writer:
        batches = _batches(export, schema)
        while group := list(islice(batches, _GROUP_BATCHES)):
            count += sum(batch.num_rows for batch in group)
            writer.write_table(pa.Table.from_batches(group, schema))
    return count


def _batches(export: Export, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = iter(export.rows)
    while batch := list(islice(rows, _BATCH_ROWS)):
        columns = zip(export.columns, zip(*batch, strict=True), strict=True)
        arrays = [_array(column.kind, values) for column, values in columns]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(kind: Kind, values: Sequence[Any]) -> pa.Array:
    if kind != "nano":
        return pa.array(values, _TYPES[kind])
    # billionths are the whole numbers that a decimal with nine places is stored as
    whole = pa.array(values, _TYPES["units"])
    return pa.Array.from_buffers(_TYPES[kind], len(values), whole.buffers(), whole.null_count)
