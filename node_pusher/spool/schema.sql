CREATE TABLE records (              -- appended, and not yet seen on the remote
    seq INTEGER PRIMARY KEY,
    folder TEXT NOT NULL,           -- which folder of the repo its line goes to
    ts_us INTEGER NOT NULL,         -- microseconds since 1970, UTC
    line BLOB NOT NULL              -- the canonical line, newline included
) STRICT;
CREATE TABLE entered_by (           -- who entered a line of the books, for its commit
    seq INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;
CREATE TABLE ids (                  -- callers' own keys, so that they may retry
    id TEXT PRIMARY KEY,            -- the number of the local user, a slash, and the user's key
    seq INTEGER NOT NULL,
    ts_us INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,      -- of the record's content
    expires_us INTEGER NOT NULL     -- by id_clock_us of the state
) STRICT, WITHOUT ROWID;
CREATE INDEX ids_by_expiry ON ids (expires_us);
CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    node TEXT NOT NULL,
    next_seq INTEGER NOT NULL CHECK (next_seq >= 1),
    last_push_us INTEGER,           -- when the remote was last seen to hold all that was committed
    id_seen_us INTEGER,             -- the machine's clock when a record with an id came last
    id_clock_us INTEGER             -- the clock by which ids expire: see ids.py
) STRICT;
