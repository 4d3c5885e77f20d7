-- One row per file that was ever counted.
CREATE TABLE resource(
    id INTEGER PRIMARY KEY,
    -- Printed form: control characters, '|', '%' and bytes that are not UTF-8 percent-encoded.
    path TEXT NOT NULL UNIQUE,
    requests INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL DEFAULT 0,
    "full" INTEGER NOT NULL DEFAULT 0,
    partial INTEGER NOT NULL DEFAULT 0,
    not_modified INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    aborted INTEGER NOT NULL DEFAULT 0,
    downloads INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    -- Smallest complete length of a representation that was downloaded; NULL before the first download.
    least_length INTEGER
) STRICT;

-- One row per file and day (UTC) on which it was asked for. The day comes first, so that what is written
-- today lies together, and a span of days is one stretch of the table.
CREATE TABLE day(
    -- Days since 1970-01-01; 0: carried over from a ledger that was set aside.
    day INTEGER NOT NULL,
    resource INTEGER NOT NULL REFERENCES resource(id),
    requests INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL DEFAULT 0,
    "full" INTEGER NOT NULL DEFAULT 0,
    partial INTEGER NOT NULL DEFAULT 0,
    not_modified INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    aborted INTEGER NOT NULL DEFAULT 0,
    downloads INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(day, resource)
) STRICT, WITHOUT ROWID;

-- The few rows with transfers in flight, for the start after a crash.
CREATE INDEX day_in_flight ON day(day, resource) WHERE "full" + partial > completed + aborted;

-- Figures that are committed but not in the tables yet, newest last; each blob is a batch of rows.
CREATE TABLE recent(
    id INTEGER PRIMARY KEY,
    batch BLOB NOT NULL
) STRICT;

-- One row about the ledger itself.
CREATE TABLE ledger(
    id INTEGER PRIMARY KEY CHECK(id = 1),
    -- Unix time in seconds.
    created INTEGER NOT NULL,
    -- Sessions (parts of a download still to be completed) open at the last commit.
    sessions INTEGER NOT NULL,
    -- Sessions given up: by at most so many, downloads may be too few.
    evictions INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES(1, unixepoch(), 0, 0);

-- For people.
CREATE VIEW tally AS
    SELECT path, requests, head, "full", partial, not_modified, completed, aborted,
           "full" + partial - completed - aborted AS in_flight, downloads, bytes
    FROM resource;
CREATE VIEW daily AS
    SELECT CASE d.day WHEN 0 THEN 'carried' ELSE date(d.day * 86400, 'unixepoch') END AS day, r.path,
           d.requests, d.head, d."full", d.partial, d.not_modified, d.completed, d.aborted,
           d."full" + d.partial - d.completed - d.aborted AS in_flight, d.downloads, d.bytes
    FROM day d JOIN resource r ON r.id = d.resource;
