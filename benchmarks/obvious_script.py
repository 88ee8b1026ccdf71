"""The script that one writes in an hour: every line an INSERT, every balance a GROUP BY.

    python benchmarks/obvious_script.py USAGE.git BOOKS.git OUT.db

It reads a node's repo and the books and prints each user's balance at list prices. It is for
comparison only: it stores every record, keeps no cursor, bills a repeated line twice, trusts
whatever the lines say and knows no discounts.
"""

import json
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

NANO = 10**9


def added_lines(repo: str, folder: str) -> Iterator[dict[str, object]]:
    """Yield every line that any commit added under a folder, oldest first."""
    command = ["git", "-C", repo, "log", "-p", "--reverse", "main", "--", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as log:
        for line in log.stdout or ():
            if line.startswith(b"+{"):
                yield json.loads(line[1:])


def prices(books: str) -> Iterator[tuple[str, int]]:
    """Yield each resource with the price of one unit in nano-dollars."""
    show = ["git", "-C", books, "show", "main:rules/prices.toml"]
    text = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    for price in tomllib.loads(text)["price"]:
        yield price["resource"], int(Decimal(price["usd"]) * NANO / price["per"])


def balances(out: str) -> dict[str, int]:
    """Each user's balance in nano-dollars, from the database that `main` wrote."""
    with closing(sqlite3.connect(out)) as db:
        return dict(db.execute("SELECT user, nano FROM balance"))


def main(usage: str, books: str, out: str) -> None:
    """Read everything, then print the balances."""
    db = sqlite3.connect(out)
    db.execute("CREATE TABLE usage (node, seq, ts, user, resource, units)")
    db.execute("CREATE TABLE payment (user, nano)")
    db.execute("CREATE TABLE price (resource PRIMARY KEY, nano)")
    for line in added_lines(usage, "usage"):
        db.execute(
            "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?)",
            [line[key] for key in ("node", "seq", "ts", "user", "resource", "units")],
        )
    for line in added_lines(books, "payments"):
        nano = int(Decimal(str(line["amount"])) * NANO)
        db.execute("INSERT INTO payment VALUES (?, ?)", [line["user"], nano])
    db.executemany("INSERT INTO price VALUES (?, ?)", prices(books))
    db.execute(
        "CREATE TABLE balance AS SELECT user, sum(nano) AS nano FROM ("
        " SELECT user, nano FROM payment"
        " UNION ALL SELECT user, -units * price.nano FROM usage JOIN price USING (resource)"
        ") GROUP BY user"
    )
    db.commit()
    for user, nano in db.execute("SELECT user, nano FROM balance ORDER BY user"):
        print(user, Decimal(nano) / NANO)


if __name__ == "__main__":
    main(*sys.argv[1:])
