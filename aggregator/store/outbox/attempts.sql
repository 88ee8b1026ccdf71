-- Of automatic payments what was announced. A file of version 1 lacks this alone.

CREATE TABLE told_attempt (              -- attempts of which something was announced
    attempt TEXT PRIMARY KEY,
    level TEXT NOT NULL CHECK (level IN ('waits', 'failed', 'paid')),
    began_s INTEGER NOT NULL             -- forgotten some time after that
) STRICT, WITHOUT ROWID;
