-- The ledger: an index over git that can be deleted and rebuilt to the same digest.
--
-- An hour is the number of clock hours since 1970-01-01T00:00Z; *_us are microseconds and *_s seconds
-- since then; *_nano are nano-dollars (1e-9 USD). A column of type ANY holds an integer, or its decimal
-- text where it does not fit into 64 bits. applies_to: 0 hero_os_hourly, 1 llm, 2 vm.
--
-- References are declared and checked by `aggregator verify`, not enforced row by row, which would cost
-- a fifth of writing charges. In a CHECK, BETWEEN costs nothing and IN doubles the cost of an insert.

CREATE TABLE meta (                      -- facts about this database as a whole
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE node (                      -- who writes records; a node may have several repos
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    records INTEGER NOT NULL DEFAULT 0,  -- admitted
    duplicates INTEGER NOT NULL DEFAULT 0 -- dropped: the same line again
) STRICT;

CREATE TABLE repo (                      -- a repo of the configuration
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    node_id INTEGER NOT NULL REFERENCES node,
    role TEXT NOT NULL CHECK (role IN ('usage', 'books', 'till', 'desk')),
    allow TEXT NOT NULL,                 -- patterns of the resources it may bill, by comma; empty for all
    head TEXT,                           -- the head that was seen last
    committed_at_s INTEGER,              -- time of the newest applied commit with records
    outcome TEXT,                        -- what that head meant
    behind INTEGER NOT NULL DEFAULT 0,   -- commits fetched and not applied
    checked_at TEXT                      -- when it was checked last
) STRICT;

CREATE TABLE seen_range (                -- seqs of a node that were read, as disjoint ranges
    node_id INTEGER NOT NULL REFERENCES node,
    first_seq INTEGER NOT NULL CHECK (first_seq > 0),
    last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
    PRIMARY KEY (node_id, first_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment (                   -- every segment that was read, to find lines by seq and hour
    id INTEGER PRIMARY KEY,
    repo_id INTEGER NOT NULL REFERENCES repo,
    node_id INTEGER NOT NULL REFERENCES node,
    folder TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    path TEXT NOT NULL,
    blob TEXT NOT NULL,
    committed_at_s INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_hour INTEGER NOT NULL,
    last_hour INTEGER NOT NULL,
    seqs_log2 INTEGER NOT NULL,          -- bits of last_seq - first_seq: which look-ups can find it
    hours_log2 INTEGER NOT NULL,         -- bits of last_hour - first_hour
    records INTEGER NOT NULL,
    all_claimed INTEGER NOT NULL CHECK (all_claimed IN (0, 1))
) STRICT;
CREATE INDEX segment_by_seq ON segment (node_id, seqs_log2, first_seq);
CREATE INDEX segment_by_blob ON segment (blob, node_id);
CREATE INDEX segment_by_hour ON segment (hours_log2, first_hour);

CREATE TABLE correction (                -- which seqs of a node correct which: these are judged together
    node_id INTEGER NOT NULL REFERENCES node,
    corrects INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (node_id, corrects, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (                   -- one user; balance = credit - billed cost
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL UNIQUE,
    credit_nano ANY NOT NULL DEFAULT 0,  -- payments, grants and adjustments minus refunds
    lifetime_paid_nano ANY NOT NULL DEFAULT 0,
    list_cost_nano ANY NOT NULL DEFAULT 0,
    billed_cost_nano ANY NOT NULL DEFAULT 0,
    first_paid_us INTEGER,               -- the payment from which tenure counts in hours to come
    tenure TEXT,                         -- JSON: pairs of an hour and the payment from then on; NULL for one
    plans TEXT,                          -- JSON: its plan lines that count, in the order of judging; NULL for none
    grants TEXT,                         -- JSON: its grants with terms that count; NULL for none
    drawn_nano ANY NOT NULL DEFAULT 0,   -- what grants paid of its charges
    first_active_hour INTEGER,           -- first and last hour with a charge
    last_active_hour INTEGER,
    unrated INTEGER NOT NULL DEFAULT 0,  -- charges that are not rated in full
    discount_tier TEXT NOT NULL DEFAULT 'none' -- for display; never used for rating
) STRICT;

CREATE TABLE account_node (              -- which nodes wrote usage of an account, whether or not it counts
    account_id INTEGER NOT NULL REFERENCES account,
    node_id INTEGER NOT NULL REFERENCES node,
    first_commit_s INTEGER NOT NULL,     -- time of the earliest commit with a line that claims its key
    first_hour INTEGER NOT NULL,         -- no such line is of an earlier hour
    noted_s INTEGER NOT NULL,            -- when this ledger had the first one, by its own clock
    PRIMARY KEY (account_id, node_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE resource (                  -- what can be used
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE charge (                    -- one user, one resource, one category, one clock hour
    hour INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account,
    resource_id INTEGER NOT NULL REFERENCES resource,
    applies_to INTEGER NOT NULL CHECK (applies_to BETWEEN 0 AND 2),
    quantity ANY NOT NULL,
    records INTEGER NOT NULL CHECK (records > 0),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), -- rated, unpriced, category_mismatch, overflow
    list_cost_nano INTEGER NOT NULL,
    billed_cost_nano INTEGER NOT NULL,
    PRIMARY KEY (hour, account_id, resource_id, applies_to),
    CHECK (billed_cost_nano BETWEEN 0 AND list_cost_nano + 1), -- the difference of two roundings each
    CHECK (list_cost_nano = 0 OR state NOT BETWEEN 1 AND 2)
) STRICT, WITHOUT ROWID;

CREATE TABLE counted (                   -- charges of which units are counted on beyond their hour
    account_id INTEGER NOT NULL REFERENCES account,
    resource_id INTEGER NOT NULL REFERENCES resource,
    applies_to INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    included ANY NOT NULL,               -- units that the account's plan includes
    before ANY NOT NULL,                 -- units counted before it in the window of its price
    PRIMARY KEY (account_id, resource_id, applies_to, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE drawn (                     -- what grants with terms and credits of plans paid of charges
    account_id INTEGER NOT NULL REFERENCES account,
    hour INTEGER NOT NULL,
    resource_id INTEGER NOT NULL REFERENCES resource,
    applies_to INTEGER NOT NULL,
    granted TEXT NOT NULL,               -- the name of the grant: provider:reference
    nano INTEGER NOT NULL CHECK (nano > 0),
    PRIMARY KEY (account_id, hour, resource_id, applies_to, granted)
) STRICT, WITHOUT ROWID;

CREATE TABLE drawn_total (               -- the same added up for each grant
    account_id INTEGER NOT NULL REFERENCES account,
    granted TEXT NOT NULL,
    nano ANY NOT NULL,
    PRIMARY KEY (account_id, granted)
) STRICT, WITHOUT ROWID;

CREATE TABLE active_period (             -- where to look for an account's charges; may name empty ones
    account_id INTEGER NOT NULL REFERENCES account,
    period INTEGER NOT NULL,             -- 64 clock hours: hour / 64
    PRIMARY KEY (account_id, period)
) STRICT, WITHOUT ROWID;

CREATE INDEX charge_unrated ON charge (state, resource_id, applies_to, quantity) WHERE state <> 0;

CREATE TABLE unrated (                   -- how many charges of a resource and category have which state
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
    resource_id INTEGER NOT NULL REFERENCES resource,
    applies_to INTEGER NOT NULL,
    charges INTEGER NOT NULL CHECK (charges > 0),
    PRIMARY KEY (state, resource_id, applies_to)
) STRICT, WITHOUT ROWID;

CREATE TABLE money (                     -- lines about money and accounts, of the books, tills and desks
    id INTEGER PRIMARY KEY,
    node_id INTEGER NOT NULL REFERENCES node,
    seq INTEGER NOT NULL,
    ts_us INTEGER NOT NULL,
    account_id INTEGER REFERENCES account, -- NULL: it names nobody
    about TEXT,                          -- of a line about an account its kind; NULL of a line about money
    movement TEXT,                       -- provider, reference and kind; of a key its hash; NULL without either
    payment TEXT,                        -- the movement of the payment or grant that it is about, or a line's node:seq
    by_books INTEGER NOT NULL,           -- 1: of the books, where the key is seq and ts
    claims INTEGER NOT NULL,             -- 1: it stands within its writer, so it may count
    summed INTEGER NOT NULL,             -- 1: it is in its writer's sum while nothing covers it
    covered_us INTEGER,                  -- when it was reconciled first
    is_weak INTEGER NOT NULL,            -- 1: it gives way to another writer's line
    takes INTEGER NOT NULL,              -- 1: its part is in the sum of refunds and disputes
    moved_nano INTEGER NOT NULL,         -- its part in its writer's sum
    state TEXT NOT NULL,                 -- counted, or why not
    line BLOB NOT NULL,
    commit_id TEXT NOT NULL,             -- the commit by which it is judged
    path TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    committed_us INTEGER NOT NULL        -- when that commit was made
) STRICT;
CREATE INDEX money_by_key ON money (node_id, seq, ts_us);
CREATE INDEX money_told ON money (node_id, state)
    WHERE state NOT IN ('counted', 'repeats', 'not_succeeded');
CREATE INDEX money_takes ON money (node_id) WHERE takes = 1;
CREATE INDEX money_by_account ON money (account_id);
CREATE INDEX money_about ON money (account_id, about) WHERE about IS NOT NULL;
CREATE INDEX money_staff ON money (state) WHERE about = 'staff';
CREATE INDEX money_consents ON money (account_id) WHERE about = 'consent';
CREATE INDEX money_attempts ON money (committed_us) WHERE about IS NULL AND movement IS NULL;
CREATE INDEX money_by_movement ON money (movement) WHERE movement IS NOT NULL;
CREATE INDEX money_by_payment ON money (payment) WHERE payment IS NOT NULL;
CREATE INDEX money_uncovered ON money (node_id, takes, covered_us, moved_nano) WHERE summed = 1;

CREATE TABLE budget (                    -- what each desk has given by a template
    node_id INTEGER NOT NULL REFERENCES node,
    kind TEXT NOT NULL,                  -- grant or adjustment
    template TEXT NOT NULL,
    given_nano ANY NOT NULL,             -- with what waits
    limit_nano ANY NOT NULL,             -- by the version of the template that begins last
    PRIMARY KEY (node_id, kind, template)
) STRICT, WITHOUT ROWID;

CREATE TABLE money_copy (                -- every commit that has a line of a till or desk
    money_id INTEGER NOT NULL REFERENCES money,
    commit_id TEXT NOT NULL,
    path TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    PRIMARY KEY (money_id, commit_id, path, line_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE writer_chain (              -- histories of tills and desks: lines of commits, with forks
    id INTEGER PRIMARY KEY,
    node_id INTEGER NOT NULL REFERENCES node,
    below INTEGER,                       -- the chain that it leaves; NULL: it begins a repo
    position INTEGER NOT NULL,           -- of the last commit of that chain that is below it
    root_us INTEGER NOT NULL             -- when the first commit of the repo was made
) STRICT;
CREATE INDEX writer_chain_by_node ON writer_chain (node_id);

CREATE TABLE writer_commit (             -- the commits of tills and desks
    node_id INTEGER NOT NULL REFERENCES node,
    commit_id TEXT NOT NULL,
    repo_id INTEGER NOT NULL REFERENCES repo,
    chain INTEGER NOT NULL REFERENCES writer_chain,
    position INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (node_id, commit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX writer_commit_by_chain ON writer_commit (chain, position);

CREATE TABLE decision (                  -- admitted decision lines of the books, withdrawn ones too
    node_id INTEGER NOT NULL REFERENCES node,
    seq INTEGER NOT NULL,
    ts_us INTEGER NOT NULL,
    line BLOB NOT NULL,
    commit_id TEXT NOT NULL,
    path TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    PRIMARY KEY (node_id, seq, ts_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision_wait (             -- nodes whose lines cannot be read, so that newer decisions wait
    node_id INTEGER PRIMARY KEY REFERENCES node,
    carried_out BLOB NOT NULL            -- the decisions about the node that are carried out, one a line
) STRICT;

CREATE TABLE held (                      -- well-formed lines that are not billed, each with a reason
    node_id INTEGER NOT NULL REFERENCES node, -- the node of the repo where it was found
    line_sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    seq INTEGER,
    ts_us INTEGER,
    line BLOB NOT NULL,                  -- its first 512 bytes; all of one that prices may release
    commit_id TEXT NOT NULL,             -- where it was seen first
    path TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    PRIMARY KEY (node_id, line_sha256, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_ahead ON held (node_id, seq) WHERE reason = 'ahead_of_commit';

CREATE INDEX held_beyond_limit ON held (node_id) WHERE reason = 'beyond_limit';

CREATE TABLE reject (                    -- lines that are not valid; line 0 is a whole file
    node_id INTEGER NOT NULL REFERENCES node,
    commit_id TEXT NOT NULL,
    path TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    line_sha256 TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    line BLOB NOT NULL,                  -- its first 512 bytes
    PRIMARY KEY (node_id, commit_id, path, line_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (                  -- what a person has to look at, open until closed_at is set
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    repo_id INTEGER REFERENCES repo,     -- NULL: the forge as a whole, or usage of any node
    subject TEXT NOT NULL,               -- what it is about: a commit, a seq; part of its identity
    detail TEXT NOT NULL,
    number INTEGER NOT NULL DEFAULT 1,   -- how many seqs it is about, as far as it is about seqs
    opened_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    closed_at TEXT
) STRICT;
CREATE UNIQUE INDEX incident_open ON incident (kind, coalesce(repo_id, 0), subject)
    WHERE closed_at IS NULL;
CREATE INDEX incident_by_repo ON incident (repo_id) WHERE closed_at IS NULL;

CREATE TABLE rule_book (                 -- the rule book of each repo of the books; one of them is in force
    repo_id INTEGER PRIMARY KEY REFERENCES repo,
    commit_id TEXT NOT NULL,             -- the commit that it was read from
    prices_toml BLOB,                    -- NULL where the file is absent
    discounts_toml BLOB,
    imported_toml BLOB,
    writers_toml BLOB,
    fx_toml BLOB,
    plans_toml BLOB
) STRICT;

CREATE VIEW charge_view AS               -- charges in words, for people with a database shell
SELECT strftime('%Y-%m-%dT%H:00:00Z', charge.hour * 3600, 'unixepoch') AS hour,
    account.user AS user,
    resource.name AS resource,
    CASE applies_to WHEN 0 THEN 'hero_os_hourly' WHEN 1 THEN 'llm' ELSE 'vm' END AS applies_to,
    quantity,
    charge.records AS records,
    CASE state WHEN 0 THEN 'rated' WHEN 1 THEN 'unpriced' WHEN 2 THEN 'category_mismatch'
        ELSE 'overflow' END AS state,
    charge.list_cost_nano AS list_cost_nano,
    charge.billed_cost_nano AS billed_cost_nano
FROM charge
JOIN account ON account.id = charge.account_id
JOIN resource ON resource.id = charge.resource_id;
