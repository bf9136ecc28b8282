-- Times are milliseconds since 1970 in UTC, amounts nano-USD. Names without a schema stand in the ledger's own.

CREATE TABLE ledger (
  application TEXT PRIMARY KEY, -- what tells a ledger from any other schema
  version BIGINT NOT NULL
);

CREATE TABLE requests (
  id BIGINT PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  at BIGINT NOT NULL,
  importance TEXT NOT NULL,
  named_importance TEXT,
  rule TEXT NOT NULL,
  policy TEXT NOT NULL,
  operation TEXT NOT NULL,
  asset TEXT,
  parent TEXT,
  tags JSONB NOT NULL,
  prompt_hash TEXT NOT NULL,
  prompt_chars BIGINT NOT NULL,
  text_chars BIGINT NOT NULL,
  n BIGINT NOT NULL,
  reference_pictures BIGINT NOT NULL,
  size TEXT
);

CREATE TABLE entries (
  seq BIGINT PRIMARY KEY,
  request BIGINT NOT NULL, -- requests.id
  attempt BIGINT, -- NULL for what came from the cache
  kind TEXT NOT NULL CHECK (kind IN ('reserve', 'settle', 'release', 'expire', 'adjust', 'cached')),
  at BIGINT NOT NULL,
  amount_nusd BIGINT NOT NULL CHECK (amount_nusd >= 0 OR kind = 'adjust'),
  deployment TEXT NOT NULL,
  model TEXT NOT NULL,
  size TEXT NOT NULL,
  quality TEXT,
  basis TEXT,
  unconfirmed SMALLINT NOT NULL,
  overrun SMALLINT NOT NULL,
  images BIGINT NOT NULL,
  usage TEXT, -- a JSON object of what is not zero
  reason TEXT NOT NULL,
  picture_key TEXT NOT NULL,
  counters TEXT -- of a reserve: a JSON list of counters.id
);

-- Every entry stands in exactly one of these three, so that finding an attempt costs one index entry a row.
CREATE UNIQUE INDEX one_reserve_an_attempt ON entries (request, attempt) WHERE kind = 'reserve';
CREATE UNIQUE INDEX one_resolution_an_attempt ON entries (request, attempt)
WHERE kind IN ('settle', 'release', 'expire');
CREATE INDEX later_entries ON entries (request, attempt) WHERE kind IN ('adjust', 'cached');

-- Spend by time range.
CREATE INDEX charged_at ON entries (at) WHERE kind IN ('settle', 'expire', 'adjust', 'cached');

-- Open reservations only: few rows, so that a sweep may read them all.
CREATE TABLE holds (
  reservation_id TEXT PRIMARY KEY,
  seq BIGINT NOT NULL, -- entries.seq of the reserve
  expires_at BIGINT NOT NULL
);

-- A row that changes with every batch needs room beside it, so that its new version stays on its page.
CREATE TABLE counters (
  id BIGINT PRIMARY KEY,
  budget TEXT NOT NULL,
  start BIGINT NOT NULL,
  scope TEXT NOT NULL,
  below TEXT NOT NULL,
  held_nusd BIGINT NOT NULL,
  spent_nusd BIGINT NOT NULL,
  limit_nusd BIGINT NOT NULL, -- as the last reservation knew it
  alert_at TEXT NOT NULL, -- the same; a JSON list of amounts
  UNIQUE (budget, start, scope, below)
) WITH (fillfactor = 50);

CREATE TABLE alerts (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  counter BIGINT NOT NULL, -- counters.id
  threshold_nusd BIGINT NOT NULL,
  limit_nusd BIGINT NOT NULL,
  spent_nusd BIGINT NOT NULL,
  at BIGINT NOT NULL,
  acknowledged SMALLINT NOT NULL DEFAULT 0,
  UNIQUE (counter, threshold_nusd)
);

-- The last batch each process has committed: what it asks when the answer to a COMMIT was lost.
CREATE TABLE writers (
  writer TEXT PRIMARY KEY,
  batch BIGINT NOT NULL,
  seen TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;

CREATE TRIGGER entries_are_never_edited BEFORE UPDATE ON entries
FOR EACH ROW EXECUTE FUNCTION refuse('entries are never edited: append an adjustment');
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
FOR EACH ROW EXECUTE FUNCTION refuse('entries are never deleted');
CREATE TRIGGER entries_are_never_emptied BEFORE TRUNCATE ON entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse('entries are never deleted');
CREATE TRIGGER requests_are_never_edited BEFORE UPDATE ON requests
FOR EACH ROW EXECUTE FUNCTION refuse('requests are never edited');
CREATE TRIGGER requests_are_never_deleted BEFORE DELETE ON requests
FOR EACH ROW EXECUTE FUNCTION refuse('requests are never deleted');
CREATE TRIGGER requests_are_never_emptied BEFORE TRUNCATE ON requests
FOR EACH STATEMENT EXECUTE FUNCTION refuse('requests are never deleted');

-- Entries name counters by their id.
CREATE TRIGGER counters_keep_their_name BEFORE UPDATE OF id, budget, start, scope, below ON counters
FOR EACH ROW EXECUTE FUNCTION refuse('a counter keeps its name');
CREATE TRIGGER counters_are_never_deleted BEFORE DELETE ON counters
FOR EACH ROW EXECUTE FUNCTION refuse('counters are never deleted');
CREATE TRIGGER counters_are_never_emptied BEFORE TRUNCATE ON counters
FOR EACH STATEMENT EXECUTE FUNCTION refuse('counters are never deleted');
