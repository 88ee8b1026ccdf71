-- lines of this desk that the ledger had not read when it was last asked; derived from the spool and git
CREATE TABLE unbilled (
    seq INTEGER PRIMARY KEY,
    ts_us INTEGER NOT NULL,
    folder TEXT NOT NULL,
    user TEXT NOT NULL,
    sha256 TEXT NOT NULL,           -- of a key its hash; else empty
    line BLOB NOT NULL
) STRICT;
CREATE INDEX unbilled_by_user ON unbilled (user);
CREATE INDEX unbilled_by_key ON unbilled (sha256) WHERE sha256 <> '';
CREATE TABLE indexed (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    next_seq INTEGER NOT NULL       -- every line below it was taken over
) STRICT;
INSERT INTO indexed VALUES (1, 1);
CREATE TABLE forgotten (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq INTEGER NOT NULL            -- the latest line that was forgotten since the ledger had read it; 0 for none
) STRICT;
INSERT INTO forgotten VALUES (1, 0);
CREATE TABLE seal (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    key BLOB NOT NULL               -- of tags of answers and of aliases; another one harms nobody
) STRICT;
