-- which account a person has whom an issuer vouches for; from nothing else can it be made again
CREATE TABLE identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,          -- the issuer's name for the person
    name TEXT NOT NULL UNIQUE,      -- by chance: what lines name, which stay in git for ever
    user TEXT NOT NULL,
    added_us INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_by_user ON identity (user);
