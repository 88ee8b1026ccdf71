-- What was announced over the webhook of [notify], and the notices that are still to be delivered.
--
-- A file beside the ledger and not a part of it: the ledger can be deleted, and what was announced cannot
-- be read from git. *_s are seconds since 1970-01-01T00:00Z, *_at times as text.

CREATE TABLE meta (                      -- facts about this file as a whole
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE told_incident (             -- open incidents that were announced
    kind TEXT NOT NULL,
    repo TEXT NOT NULL,                  -- empty for the forge as a whole
    subject TEXT NOT NULL,
    unknown_since_s INTEGER,             -- since when the ledger has it neither as open nor as closed
    PRIMARY KEY (kind, repo, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE told_account (              -- accounts that were announced as low or exhausted, and still are
    user TEXT PRIMARY KEY,
    level TEXT NOT NULL CHECK (level IN ('low', 'exhausted'))
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (                    -- notices, delivered or not
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery TEXT NOT NULL UNIQUE,       -- the id that the receiver sees
    event TEXT NOT NULL,
    subject TEXT NOT NULL,               -- an account, a repo or a kind: its notices are delivered in order
    made_at TEXT NOT NULL,
    made_at_s INTEGER NOT NULL,
    body BLOB NOT NULL,                  -- the body that is posted
    attempts INTEGER NOT NULL DEFAULT 0,
    tried_at TEXT,                       -- the last attempt
    refused_since_s INTEGER,             -- since when the receiver refuses it
    next_at_s INTEGER NOT NULL DEFAULT 0, -- not tried before
    error TEXT,                          -- why the last attempt failed; NULL when it was delivered
    delivered_at TEXT,
    given_up_at TEXT
) STRICT;
CREATE INDEX notice_waiting ON notice (id) WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX notice_in_order ON notice (subject, id)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX notice_over ON notice (made_at_s)
    WHERE delivered_at IS NOT NULL OR given_up_at IS NOT NULL;

CREATE VIEW first_in_line AS             -- of each subject the first notice that waits
SELECT * FROM notice
WHERE delivered_at IS NULL AND given_up_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM notice AS earlier
    WHERE earlier.subject = notice.subject AND earlier.id < notice.id
        AND earlier.delivered_at IS NULL AND earlier.given_up_at IS NULL
);

CREATE TABLE receiver (                  -- the state of the receiver; one row
    id INTEGER PRIMARY KEY CHECK (id = 1),
    errors INTEGER NOT NULL,             -- failures in a row
    wait_until_s INTEGER NOT NULL,
    error TEXT
) STRICT;
INSERT INTO receiver VALUES (1, 0, 0, NULL);
