-- What a batch reads first and writes at its end. Parameters are written :name; :rows is a JSON list of objects.

-- name: settings
-- For this transaction alone, so that a pooler may stand in between. A disk that was told not to matter does here.
SELECT set_config('search_path', :schema, TRUE), set_config('lock_timeout', :lock_ms, TRUE),
  set_config('statement_timeout', :statement_ms, TRUE),
  set_config('idle_in_transaction_session_timeout', :idle_ms, TRUE),
  CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', TRUE) END;

-- name: turn
-- Whoever writes takes turns, in the order they asked: so entries are numbered in the order they become visible.
-- And a plan made while the tables were empty would read all of them later: a batch finds every row by its key.
SELECT set_config('enable_seqscan', 'off', TRUE), set_config('enable_hashjoin', 'off', TRUE),
  set_config('enable_mergejoin', 'off', TRUE), pg_advisory_xact_lock(hashtextextended(:schema, 5715910));

-- name: last_numbers
SELECT (SELECT COALESCE(MAX(id), 0) FROM requests) AS requests, (SELECT COALESCE(MAX(seq), 0) FROM entries) AS entries,
  (SELECT COALESCE(MAX(id), 0) FROM counters) AS counters;

-- name: batch_of
SELECT batch FROM writers WHERE writer = :writer;

-- name: requests_of
SELECT q.id, q.request_id, q.fingerprint, q.at, a.file AS archived_to
FROM requests AS q LEFT JOIN archives AS a ON a.id = q.archive WHERE q.request_id = ANY(:request_ids);

-- name: entries_of
-- OFFSET 0 keeps the planner from reading every entry first and asking later whose it is.
SELECT e.* FROM requests AS q CROSS JOIN LATERAL (
  SELECT * FROM entries WHERE request = q.id AND kind = 'reserve'
  UNION ALL
  SELECT * FROM entries WHERE request = q.id AND kind IN ('settle', 'release', 'expire')
  OFFSET 0
) AS e WHERE q.request_id = ANY(:request_ids);

-- name: adjusted_of
SELECT e.request, e.attempt, SUM(e.amount_nusd) AS adjusted FROM requests AS q CROSS JOIN LATERAL (
  SELECT * FROM entries WHERE request = q.id AND kind IN ('adjust', 'cached') OFFSET 0
) AS e WHERE q.request_id = ANY(:request_ids) AND e.attempt IS NOT NULL GROUP BY e.request, e.attempt;

-- name: cached_of
SELECT e.request, e.picture_key FROM requests AS q CROSS JOIN LATERAL (
  SELECT * FROM entries WHERE request = q.id AND kind IN ('adjust', 'cached') OFFSET 0
) AS e WHERE q.request_id = ANY(:request_ids) AND e.kind = 'cached';

-- name: raises_between
SELECT * FROM raises WHERE until > :first AND at <= :last;

-- name: holds_of
SELECT * FROM holds WHERE reservation_id = ANY(:reservation_ids);

-- name: counters_of
-- Those that are claimed, by their names, and those that the reserves found above count in, if they are slices with
-- those that may count beside them. And which alerts were written of each, or of a slice beside it.
WITH lists AS MATERIALIZED (
  SELECT DISTINCT e.counters FROM requests AS q CROSS JOIN LATERAL (
    SELECT counters FROM entries WHERE request = q.id AND kind = 'reserve' OFFSET 0
  ) AS e WHERE q.request_id = ANY(:request_ids)
), counted AS MATERIALIZED (
  SELECT DISTINCT CAST(json_array_elements_text(CAST(counters AS JSON)) AS BIGINT) AS id FROM lists
), ids AS MATERIALIZED (
  SELECT id FROM counted
  UNION
  SELECT s.id FROM counted JOIN counters AS c ON c.id = counted.id AND c.slice_ms > 0
  CROSS JOIN LATERAL generate_series(c.start - 24 * c.slice_ms, c.start + 24 * c.slice_ms, c.slice_ms) AS g (start)
  JOIN counters AS s ON (s.budget, s.start, s.scope, s.below) = (c.budget, g.start, c.scope, c.below)
  UNION
  SELECT c.id FROM unnest(
    CAST(:budgets AS TEXT []), CAST(:starts AS BIGINT []), CAST(:scopes AS TEXT []), CAST(:belows AS TEXT [])
  ) AS k (budget, start, scope, below)
  JOIN counters AS c ON (c.budget, c.start, c.scope, c.below) = (k.budget, k.start, k.scope, k.below)
)
SELECT c.*, ARRAY(
  SELECT a.name FROM alerts AS a WHERE (a.budget, a.scope, a.below) = (c.budget, c.scope, c.below)
    AND a.start BETWEEN c.start - 24 * c.slice_ms AND c.start + 24 * c.slice_ms
) AS alerted
FROM ids JOIN counters AS c ON c.id = ids.id;

-- name: insert_requests
INSERT INTO requests
SELECT id, request_id, fingerprint, at, importance, named_importance, rule, policy, operation, asset, parent,
  CAST(tags AS JSONB), prompt_hash, prompt_chars, text_chars, n, reference_pictures, size, features, prompt
FROM json_to_recordset(CAST(:rows AS JSON)) AS r (
  id BIGINT, request_id TEXT, fingerprint TEXT, at BIGINT, importance TEXT, named_importance TEXT, rule TEXT,
  policy TEXT, operation TEXT, asset TEXT, parent TEXT, tags TEXT, prompt_hash TEXT, prompt_chars BIGINT,
  text_chars BIGINT, n BIGINT, reference_pictures BIGINT, size TEXT, features TEXT, prompt TEXT
);

-- name: insert_entries
INSERT INTO entries SELECT * FROM json_populate_recordset(CAST(NULL AS entries), CAST(:rows AS JSON));

-- name: insert_holds
INSERT INTO holds SELECT * FROM json_populate_recordset(CAST(NULL AS holds), CAST(:rows AS JSON));

-- name: delete_holds
DELETE FROM holds WHERE reservation_id = ANY(:reservation_ids);

-- name: insert_counters
INSERT INTO counters SELECT * FROM json_populate_recordset(CAST(NULL AS counters), CAST(:rows AS JSON));

-- name: update_counters
-- A counter that is not what it was when this batch decided becomes NULL, which its column refuses: all is undone.
UPDATE counters AS c SET
  held_nusd = CASE WHEN c.held_nusd = r.held_before AND c.spent_nusd = r.spent_before THEN r.held_nusd END,
  spent_nusd = r.spent_nusd, limit_nusd = r.limit_nusd, alert_at = r.alert_at, slice_ms = r.slice_ms
FROM json_to_recordset(CAST(:rows AS JSON)) AS r (
  id BIGINT, held_before BIGINT, spent_before BIGINT, held_nusd BIGINT, spent_nusd BIGINT, limit_nusd BIGINT,
  alert_at TEXT, slice_ms BIGINT
) WHERE c.id = r.id;

-- name: insert_alerts
INSERT INTO alerts (name, kind, at, budget, start, scope, below, threshold_nusd, limit_nusd, spent_nusd, detail)
SELECT name, kind, at, budget, start, scope, below, threshold_nusd, limit_nusd, spent_nusd, detail
FROM json_to_recordset(CAST(:rows AS JSON)) AS r (
  name TEXT, kind TEXT, at BIGINT, budget TEXT, start BIGINT, scope TEXT, below TEXT, threshold_nusd BIGINT,
  limit_nusd BIGINT, spent_nusd BIGINT, detail TEXT
) ON CONFLICT (name) DO NOTHING;

-- name: sign
INSERT INTO writers (writer, batch, seen) VALUES (:writer, :batch, now())
ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, seen = excluded.seen;

-- name: forget_writers
DELETE FROM writers WHERE seen < now() - INTERVAL '7 days';
