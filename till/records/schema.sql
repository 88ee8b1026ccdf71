-- each statement changes nothing where it was run before: so a file of an earlier version gets what it lacks
-- derived from the lines in the spool and in git
CREATE TABLE IF NOT EXISTS lines (
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,              -- external_ref; of pending and ended lines the attempt, of a consent its payment
    seq INTEGER NOT NULL,
    ts_us INTEGER NOT NULL,
    user TEXT NOT NULL,
    of_ref TEXT NOT NULL,           -- the payment; empty where the line is none of a payment
    attempt TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    credited_usd TEXT,
    status TEXT,
    PRIMARY KEY (provider, kind, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payments_by_attempt ON lines (provider, attempt) WHERE kind = 'payment';
CREATE INDEX IF NOT EXISTS payments_by_user ON lines (user, ts_us) WHERE kind = 'payment';
CREATE INDEX IF NOT EXISTS consents_by_user ON lines (user, ts_us) WHERE kind = 'consent';
CREATE TABLE IF NOT EXISTS indexed (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    next_seq INTEGER NOT NULL       -- every line below it is in `lines`
) STRICT;
INSERT OR IGNORE INTO indexed VALUES (1, 1);
-- which payment a signed promise is on: it counts for one
CREATE TABLE IF NOT EXISTS tags (
    provider TEXT NOT NULL,
    nonce TEXT NOT NULL,
    payment TEXT NOT NULL,
    PRIMARY KEY (provider, nonce)
) STRICT, WITHOUT ROWID;
-- what is not final yet: asked about again by each sweep
CREATE TABLE IF NOT EXISTS watched (
    provider TEXT NOT NULL,
    object TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    PRIMARY KEY (provider, object)
) STRICT, WITHOUT ROWID;
-- what could not be asked about or recorded, until it can
CREATE TABLE IF NOT EXISTS failing (
    provider TEXT NOT NULL,
    object TEXT NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    times INTEGER NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (provider, object)
) STRICT, WITHOUT ROWID;
-- what a person has to look at
CREATE TABLE IF NOT EXISTS faults (
    provider TEXT NOT NULL,
    ref TEXT NOT NULL,
    what TEXT NOT NULL,
    seen_us INTEGER NOT NULL,
    is_acknowledged INTEGER NOT NULL CHECK (is_acknowledged BETWEEN 0 AND 1),
    PRIMARY KEY (provider, ref, what)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
    provider TEXT PRIMARY KEY,
    event_us INTEGER,               -- when an event came last
    swept_us INTEGER                -- when the last complete sweep began
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkouts (
    provider TEXT NOT NULL,
    attempt TEXT NOT NULL,
    user TEXT NOT NULL,
    usd_nano INTEGER NOT NULL,
    made_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    is_prompt INTEGER NOT NULL CHECK (is_prompt BETWEEN 0 AND 1),
    number TEXT NOT NULL,           -- a keyed hash of the phone number, for an hour; else empty
    ended_us INTEGER,
    PRIMARY KEY (provider, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS checkouts_by_user ON checkouts (user, made_us);
CREATE INDEX IF NOT EXISTS prompts ON checkouts (made_us) WHERE is_prompt = 1;
CREATE TABLE IF NOT EXISTS refunds (
    provider TEXT NOT NULL,
    payment TEXT NOT NULL,
    asked TEXT NOT NULL,            -- the amount as it was asked for; `rest` for what is left
    number INTEGER NOT NULL,        -- 1, or 2 for another one of the same amount
    request TEXT NOT NULL UNIQUE,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_us INTEGER NOT NULL,
    refund TEXT,                    -- the provider's reference once it has it
    PRIMARY KEY (provider, payment, asked, number)
) STRICT, WITHOUT ROWID;
-- whom a provider keeps cards for: one customer of an account of ours, and of no other
CREATE TABLE IF NOT EXISTS customers (
    provider TEXT NOT NULL,
    user TEXT NOT NULL,
    customer TEXT NOT NULL,         -- the provider's name
    PRIMARY KEY (provider, user),
    UNIQUE (provider, customer)
) STRICT, WITHOUT ROWID;
-- attempts to charge saved cards; each is here before its line is written
CREATE TABLE IF NOT EXISTS attempts (
    provider TEXT NOT NULL,
    attempt TEXT NOT NULL,
    user TEXT NOT NULL,
    amount TEXT NOT NULL,           -- in dollars
    customer TEXT NOT NULL,         -- the provider's names of him and his card; empty where lost
    method TEXT NOT NULL,
    nonce TEXT NOT NULL,            -- of the promise that was signed for it
    posted_us INTEGER NOT NULL,     -- when the ledger said that it is due; 0 where lost
    made_us INTEGER NOT NULL,
    pushed_us INTEGER,              -- when the remote was seen to have its line
    payment TEXT,                   -- the provider's name of the charge
    asked_us INTEGER,               -- when the customer was asked
    reason TEXT,                    -- why it is being given up
    paid_us INTEGER,                -- when it was seen to be paid
    PRIMARY KEY (provider, attempt)
) STRICT, WITHOUT ROWID;
-- what charging has come to
CREATE TABLE IF NOT EXISTS charging (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    posted_us INTEGER,              -- when a post came last
    stopped TEXT,                   -- why nothing is charged until a person starts it again
    stopped_us INTEGER
) STRICT;
INSERT OR IGNORE INTO charging VALUES (1, NULL, NULL, NULL);
CREATE TABLE IF NOT EXISTS charging_started (
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    stopped TEXT NOT NULL           -- what had stopped it
) STRICT;
-- accounts of which everything was settled in an epoch of this home
CREATE TABLE IF NOT EXISTS settled_epochs (
    provider TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    settled_us INTEGER NOT NULL,
    PRIMARY KEY (provider, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lines_by_user ON lines (user, seq);
CREATE INDEX IF NOT EXISTS pending_by_time ON lines (ts_us) WHERE kind = 'pending'
