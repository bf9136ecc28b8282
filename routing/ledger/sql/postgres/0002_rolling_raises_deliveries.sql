-- Rolling windows, raises of budgets, alerts of every kind and their way to each channel, and what a request was like.

ALTER TABLE requests
ADD COLUMN features TEXT NOT NULL DEFAULT '{}', -- a JSON object of what no other column holds
ADD COLUMN prompt TEXT; -- only where the ledger was told to keep it
CREATE INDEX requests_by_time ON requests (at, id);

ALTER TABLE entries ADD COLUMN vendor_request_id TEXT NOT NULL DEFAULT '';
CREATE INDEX unconfirmed_entries ON entries (seq) WHERE unconfirmed = 1;

ALTER TABLE counters
ADD COLUMN slice_ms BIGINT NOT NULL DEFAULT 0, -- of a rolling window: how long its slices are
ADD COLUMN first_at BIGINT; -- when its first reservation was made
UPDATE counters AS c SET first_at = firsts.at
FROM (
  SELECT CAST(j.id AS BIGINT) AS id, MIN(e.at) AS at
  FROM entries AS e CROSS JOIN LATERAL json_array_elements_text(CAST(e.counters AS JSON)) AS j (id)
  WHERE e.kind = 'reserve' GROUP BY j.id
) AS firsts
WHERE firsts.id = c.id;

CREATE TABLE raises (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  budget TEXT NOT NULL,
  scope TEXT NOT NULL,
  by_nusd BIGINT NOT NULL,
  at BIGINT NOT NULL,
  until BIGINT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX raises_by_end ON raises (until);
CREATE TRIGGER raises_are_never_edited BEFORE UPDATE ON raises
FOR EACH ROW EXECUTE FUNCTION refuse('raises are never edited: record another');
CREATE TRIGGER raises_are_never_deleted BEFORE DELETE ON raises
FOR EACH ROW EXECUTE FUNCTION refuse('raises are never deleted');
CREATE TRIGGER raises_are_never_emptied BEFORE TRUNCATE ON raises
FOR EACH STATEMENT EXECUTE FUNCTION refuse('raises are never deleted');

ALTER TABLE alerts
ADD COLUMN name TEXT UNIQUE,
ADD COLUMN kind TEXT NOT NULL DEFAULT 'threshold',
ADD COLUMN budget TEXT, -- this and the next three name a counter, whether or not it was ever counted in
ADD COLUMN start BIGINT,
ADD COLUMN scope TEXT,
ADD COLUMN below TEXT,
ADD COLUMN detail TEXT NOT NULL DEFAULT '',
ADD COLUMN seen SMALLINT NOT NULL DEFAULT 0; -- whether its deliveries were made
UPDATE alerts AS a SET
  name = 'threshold/' || c.budget || '/' || c.scope || '/' || c.below || '/'
    || to_char(to_timestamp(c.start / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '+00:00/'
    || a.threshold_nusd,
  budget = c.budget, start = c.start, scope = c.scope, below = c.below, seen = a.acknowledged
FROM counters AS c WHERE c.id = a.counter;
ALTER TABLE alerts
ALTER COLUMN name SET NOT NULL,
ALTER COLUMN kind DROP DEFAULT,
ALTER COLUMN detail DROP DEFAULT,
DROP COLUMN counter,
DROP COLUMN acknowledged;
CREATE INDEX alerts_by_counter ON alerts (budget, scope, below, start);
CREATE INDEX alerts_by_time ON alerts (at);
CREATE INDEX unseen_alerts ON alerts (id) WHERE seen = 0;

CREATE TABLE deliveries (
  alert BIGINT NOT NULL, -- alerts.id
  channel TEXT NOT NULL,
  tries BIGINT NOT NULL,
  due_at BIGINT NOT NULL, -- while someone tries: until when nobody else does
  done SMALLINT NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (alert, channel)
);
CREATE INDEX due_deliveries ON deliveries (channel, due_at) WHERE done = 0;

-- Until now there was one channel.
INSERT INTO deliveries SELECT id, 'log', 1, at, 1, '' FROM alerts WHERE seen = 1;
