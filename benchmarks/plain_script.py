"""The script that one writes instead: a file of usage into SQLite, and what each user owes.

    python benchmarks/plain_script.py USAGE.jsonl PRICES.toml OUT.db
    python benchmarks/plain_script.py USAGE.jsonl PRICES.toml OUT.db --duckdb

For comparison only: it reads a file of its own machine, checks no line, and has no git, no nodes
and no discounts. A repeated `id` counts once. DuckDB reads the file itself, on all cores, and keeps
nothing.
"""

import json
import sqlite3
import sys
import tomllib
from decimal import Decimal

NANO = 10**9


def prices(path: str) -> list[tuple[str, int]]:
    """Each resource with the price of one unit in nano-dollars."""
    with open(path, "rb") as file:  # noqa: PTH123 - as one writes it
        tables = tomllib.load(file)["price"]
    return [(p["resource"], int(Decimal(p["usd"]) * NANO / p["per"])) for p in tables]


def by_sqlite(usage: str, price: list[tuple[str, int]], out: str) -> list[tuple[str, int]]:
    """Store every line, then add up."""
    db = sqlite3.connect(out)
    db.execute("CREATE TABLE usage (id TEXT PRIMARY KEY, ts, user, resource, units)")
    db.execute("CREATE TABLE price (resource PRIMARY KEY, nano)")
    db.executemany("INSERT INTO price VALUES (?, ?)", price)
    with open(usage) as lines:  # noqa: PTH123 - as one writes it
        for text in lines:
            line = json.loads(text)
            db.execute(
                "INSERT OR IGNORE INTO usage VALUES (?, ?, ?, ?, ?)",
                [line[key] for key in ("id", "ts", "user", "resource", "units")],
            )
    db.commit()
    return db.execute(
        "SELECT user, sum(units * nano) FROM usage JOIN price USING (resource) GROUP BY user"
    ).fetchall()


def by_duckdb(usage: str, price: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Add up what the file has."""
    import duckdb  # type: ignore[import-not-found, unused-ignore] # installed for this alone

    db = duckdb.connect()
    db.execute("CREATE TABLE price (resource TEXT, nano BIGINT)")
    db.executemany("INSERT INTO price VALUES (?, ?)", price)
    return [
        (user, int(nano))
        for user, nano in db.execute(
            "SELECT user, sum(units * nano) FROM (SELECT DISTINCT id, user, resource, units"
            " FROM read_json(?, format = 'newline_delimited', columns = {id: 'VARCHAR',"
            " user: 'VARCHAR', resource: 'VARCHAR', units: 'BIGINT'}))"
            " JOIN price USING (resource) GROUP BY user",
            [usage],
        ).fetchall()
    ]


def main(usage: str, price_file: str, out: str, *how: str) -> None:
    """Print what each user owes, in nano-dollars, as JSON."""
    price = prices(price_file)
    owed = by_duckdb(usage, price) if how else by_sqlite(usage, price, out)
    print(json.dumps(dict(owed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
