-- Rolling windows, raises of budgets, alerts of every kind and their way to each channel, and what a request was like.

-- A JSON object of what no other column holds.
ALTER TABLE requests ADD COLUMN features TEXT NOT NULL DEFAULT '{}';
-- Only where the ledger was told to keep it.
ALTER TABLE requests ADD COLUMN prompt TEXT;
CREATE INDEX requests_by_time ON requests (at);

ALTER TABLE entries ADD COLUMN vendor_request_id TEXT NOT NULL DEFAULT '';
CREATE INDEX unconfirmed_entries ON entries (seq) WHERE unconfirmed = 1;

-- Of a rolling window: how long its slices are.
ALTER TABLE counters ADD COLUMN slice_ms INTEGER NOT NULL DEFAULT 0;
-- When its first reservation was made.
ALTER TABLE counters ADD COLUMN first_at INTEGER;
WITH firsts AS MATERIALIZED (
  SELECT j.value AS id, MIN(e.at) AS at FROM entries AS e, json_each(e.counters) AS j
  WHERE e.kind = 'reserve' GROUP BY j.value
)
UPDATE counters SET first_at = firsts.at FROM firsts WHERE firsts.id = counters.id;

CREATE TABLE raises (
  id INTEGER PRIMARY KEY,
  budget TEXT NOT NULL,
  scope TEXT NOT NULL,
  by_nusd INTEGER NOT NULL,
  at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX raises_by_end ON raises (until);
CREATE TRIGGER raises_are_never_edited BEFORE UPDATE ON raises BEGIN
  SELECT RAISE(ABORT, 'raises are never edited: record another');
END;
CREATE TRIGGER raises_are_never_deleted BEFORE DELETE ON raises BEGIN
  SELECT RAISE(ABORT, 'raises are never deleted');
END;

CREATE TABLE alerts_of_every_kind (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  budget TEXT, -- this and the next three name a counter, whether or not it was ever counted in
  start INTEGER,
  scope TEXT,
  below TEXT,
  threshold_nusd INTEGER NOT NULL,
  limit_nusd INTEGER NOT NULL,
  spent_nusd INTEGER NOT NULL,
  detail TEXT NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0 -- whether its deliveries were made
) STRICT;
INSERT INTO alerts_of_every_kind
SELECT a.id,
  'threshold/' || c.budget || '/' || c.scope || '/' || c.below || '/'
  || strftime('%Y-%m-%dT%H:%M:%S', c.start / 1000, 'unixepoch') || '+00:00/' || a.threshold_nusd,
  'threshold', a.at, c.budget, c.start, c.scope, c.below, a.threshold_nusd, a.limit_nusd, a.spent_nusd, '',
  a.acknowledged
FROM alerts AS a JOIN counters AS c ON c.id = a.counter;
DROP TABLE alerts;
ALTER TABLE alerts_of_every_kind RENAME TO alerts;
CREATE INDEX alerts_by_time ON alerts (at);
CREATE INDEX unseen_alerts ON alerts (id) WHERE seen = 0;

CREATE TABLE deliveries (
  alert INTEGER NOT NULL, -- alerts.id
  channel TEXT NOT NULL,
  tries INTEGER NOT NULL,
  due_at INTEGER NOT NULL, -- while someone tries: until when nobody else does
  done INTEGER NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_deliveries ON deliveries (channel, due_at) WHERE done = 0;

-- Until now there was one channel.
INSERT INTO deliveries SELECT id, 'log', 1, at, 1, '' FROM alerts WHERE seen = 1;
