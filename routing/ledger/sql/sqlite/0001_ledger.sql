-- Times are milliseconds since 1970 in UTC, amounts nano-USD.

CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  at INTEGER NOT NULL,
  importance TEXT NOT NULL,
  named_importance TEXT,
  rule TEXT NOT NULL,
  policy TEXT NOT NULL,
  operation TEXT NOT NULL,
  asset TEXT,
  parent TEXT,
  tags TEXT NOT NULL, -- a JSON object
  prompt_hash TEXT NOT NULL,
  prompt_chars INTEGER NOT NULL,
  text_chars INTEGER NOT NULL,
  n INTEGER NOT NULL,
  reference_pictures INTEGER NOT NULL,
  size TEXT
) STRICT;

CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  request INTEGER NOT NULL, -- requests.id
  attempt INTEGER, -- NULL for what came from the cache
  kind TEXT NOT NULL CHECK (kind IN ('reserve', 'settle', 'release', 'expire', 'adjust', 'cached')),
  at INTEGER NOT NULL,
  amount_nusd INTEGER NOT NULL CHECK (amount_nusd >= 0 OR kind = 'adjust'),
  deployment TEXT NOT NULL,
  model TEXT NOT NULL,
  size TEXT NOT NULL,
  quality TEXT,
  basis TEXT,
  unconfirmed INTEGER NOT NULL,
  overrun INTEGER NOT NULL,
  images INTEGER NOT NULL,
  usage TEXT, -- a JSON object of what is not zero
  reason TEXT NOT NULL,
  picture_key TEXT NOT NULL,
  counters TEXT -- of a reserve: a JSON list of counters.id
) STRICT;

-- Every entry stands in exactly one of these three, so that finding an attempt costs one index entry a row.
CREATE UNIQUE INDEX one_reserve_an_attempt ON entries (request, attempt) WHERE kind = 'reserve';
CREATE UNIQUE INDEX one_resolution_an_attempt ON entries (request, attempt)
WHERE kind IN ('settle', 'release', 'expire');
CREATE INDEX later_entries ON entries (request, attempt) WHERE kind IN ('adjust', 'cached');

-- Spend by time range.
CREATE INDEX charged_at ON entries (at) WHERE kind IN ('settle', 'expire', 'adjust', 'cached');

CREATE TRIGGER entries_are_never_edited BEFORE UPDATE ON entries BEGIN
  SELECT RAISE(ABORT, 'entries are never edited: append an adjustment');
END;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries BEGIN
  SELECT RAISE(ABORT, 'entries are never deleted');
END;
CREATE TRIGGER requests_are_never_edited BEFORE UPDATE ON requests BEGIN
  SELECT RAISE(ABORT, 'requests are never edited');
END;
CREATE TRIGGER requests_are_never_deleted BEFORE DELETE ON requests BEGIN
  SELECT RAISE(ABORT, 'requests are never deleted');
END;

-- Open reservations only: few rows, so that a sweep may read them all.
CREATE TABLE holds (
  reservation_id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL, -- entries.seq of the reserve
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
  id INTEGER PRIMARY KEY,
  budget TEXT NOT NULL,
  start INTEGER NOT NULL,
  scope TEXT NOT NULL,
  below TEXT NOT NULL,
  held_nusd INTEGER NOT NULL,
  spent_nusd INTEGER NOT NULL,
  limit_nusd INTEGER NOT NULL, -- as the last reservation knew it
  alert_at TEXT NOT NULL, -- the same; a JSON list of amounts
  UNIQUE (budget, start, scope, below)
) STRICT;

-- Entries name counters by their id.
CREATE TRIGGER counters_keep_their_name BEFORE UPDATE OF id, budget, start, scope, below ON counters BEGIN
  SELECT RAISE(ABORT, 'a counter keeps its name');
END;
CREATE TRIGGER counters_are_never_deleted BEFORE DELETE ON counters BEGIN
  SELECT RAISE(ABORT, 'counters are never deleted');
END;

CREATE TABLE alerts (
  id INTEGER PRIMARY KEY,
  counter INTEGER NOT NULL, -- counters.id
  threshold_nusd INTEGER NOT NULL,
  limit_nusd INTEGER NOT NULL,
  spent_nusd INTEGER NOT NULL,
  at INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL DEFAULT 0,
  UNIQUE (counter, threshold_nusd)
) STRICT;
