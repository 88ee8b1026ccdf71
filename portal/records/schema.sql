-- each statement changes nothing where it was run before: so a file of an earlier version gets what it lacks
-- lines of this desk that the ledger had not read when it was last asked; derived from the spool and git
CREATE TABLE IF NOT EXISTS unbilled (
    seq INTEGER PRIMARY KEY,
    ts_us INTEGER NOT NULL,
    folder TEXT NOT NULL,
    user TEXT NOT NULL,
    sha256 TEXT NOT NULL,           -- of a key its hash; else empty
    line BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS unbilled_by_user ON unbilled (user);
CREATE INDEX IF NOT EXISTS unbilled_by_key ON unbilled (sha256) WHERE sha256 <> '';
CREATE TABLE IF NOT EXISTS indexed (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    next_seq INTEGER NOT NULL       -- every line below it was taken over
) STRICT;
INSERT OR IGNORE INTO indexed VALUES (1, 1);
CREATE TABLE IF NOT EXISTS forgotten (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq INTEGER NOT NULL            -- the latest line that was forgotten since the ledger had read it; 0 for none
) STRICT;
INSERT OR IGNORE INTO forgotten VALUES (1, 0);
CREATE TABLE IF NOT EXISTS signed_up (
    user TEXT PRIMARY KEY,          -- opened by whoever uses it
    opened_us INTEGER NOT NULL,
    is_credited INTEGER NOT NULL    -- 1: it waits for no credit
) STRICT;
CREATE INDEX IF NOT EXISTS signed_up_by_time ON signed_up (opened_us);
CREATE TABLE IF NOT EXISTS seal (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    key BLOB NOT NULL               -- of tags of answers and of aliases; another one harms nobody
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    sha256 TEXT PRIMARY KEY,        -- of what the browser shows; the id itself is kept nowhere
    kind TEXT NOT NULL,             -- of what was shown to sign in: key or identity
    holder TEXT NOT NULL,           -- the hash of the key, or the name of the identity
    user TEXT NOT NULL,
    role TEXT NOT NULL,             -- of staff; empty for customers
    signed_in_us INTEGER NOT NULL,  -- when that was shown
    until_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_by_holder ON sessions (holder, until_us);
CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (until_us);
