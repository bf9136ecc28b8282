-- Statements by name, in the SQL that SQLite and PostgreSQL share. Parameters are written :name.

-- name: insert_request
INSERT INTO requests (
  request_id, fingerprint, at, importance, named_importance, rule, policy, operation, asset, parent, tags,
  prompt_hash, prompt_chars, text_chars, n, reference_pictures, size, features, prompt
) VALUES (
  :request_id, :fingerprint, :at, :importance, :named_importance, :rule, :policy, :operation, :asset, :parent, :tags,
  :prompt_hash, :prompt_chars, :text_chars, :n, :reference_pictures, :size, :features, :prompt
) ON CONFLICT (request_id) DO NOTHING RETURNING id;

-- name: request
SELECT q.*, a.file AS archived_to FROM requests AS q LEFT JOIN archives AS a ON a.id = q.archive
WHERE q.request_id = :request_id;

-- name: attempts_made
SELECT attempt FROM entries WHERE request = :request AND kind = 'reserve';

-- name: insert_entry
INSERT INTO entries (
  request, attempt, kind, at, amount_nusd, deployment, model, size, quality, basis, unconfirmed, overrun, images,
  usage, reason, picture_key, counters, vendor_request_id
) VALUES (
  :request, :attempt, :kind, :at, :amount_nusd, :deployment, :model, :size, :quality, :basis, :unconfirmed, :overrun,
  :images, :usage, :reason, :picture_key, :counters, :vendor_request_id
) RETURNING seq;

-- name: raises_at
SELECT * FROM raises WHERE until > :at AND at <= :at ORDER BY at, id;

-- name: hold_in_counter
-- :earlier is what the earlier slices of a rolling window use of the same limit.
UPDATE counters SET held_nusd = held_nusd + :needed, limit_nusd = :limit, alert_at = :alert_at, slice_ms = :slice_ms
WHERE budget = :budget AND start = :start AND scope = :scope AND below = :below
  AND held_nusd + spent_nusd + :earlier + :needed <= :limit
RETURNING id;

-- name: insert_counter
INSERT INTO counters (budget, start, scope, below, held_nusd, spent_nusd, limit_nusd, alert_at, slice_ms, first_at)
VALUES (:budget, :start, :scope, :below, :needed, 0, :limit, :alert_at, :slice_ms, :at) RETURNING id;

-- name: slices
-- The counters of a rolling window by their exact starts: those of another window of the same budget do not count.
WITH RECURSIVE slices (start) AS (
  SELECT CAST(:first AS BIGINT) UNION ALL SELECT start + :slice_ms FROM slices WHERE start < :last
)
SELECT c.* FROM slices AS s CROSS JOIN counters AS c
WHERE c.budget = :budget AND c.start = s.start AND c.scope = :scope AND c.below = :below ORDER BY c.start;

-- name: counter
SELECT * FROM counters WHERE budget = :budget AND start = :start AND scope = :scope AND below = :below;

-- name: book_in_counter
UPDATE counters SET held_nusd = held_nusd - :released, spent_nusd = spent_nusd + :charged
WHERE id = :id RETURNING *;

-- name: counters
SELECT * FROM counters ORDER BY id;

-- name: counter_of_id
SELECT * FROM counters WHERE id = :id;

-- name: counters_of_windows
SELECT * FROM counters WHERE budget = :budget AND start IN ({starts});

-- name: insert_hold
INSERT INTO holds (reservation_id, seq, expires_at) VALUES (:reservation_id, :seq, :expires_at);

-- name: delete_hold
DELETE FROM holds WHERE reservation_id = :reservation_id;

-- name: hold
SELECT e.* FROM holds AS h JOIN entries AS e ON e.seq = h.seq WHERE h.reservation_id = :reservation_id;

-- name: expired_holds
SELECT h.reservation_id, e.amount_nusd FROM holds AS h JOIN entries AS e ON e.seq = h.seq
WHERE h.expires_at <= :now ORDER BY h.expires_at, h.seq;

-- name: reserve_of
SELECT e.* FROM requests AS q JOIN entries AS e ON e.request = q.id
WHERE q.request_id = :request_id AND e.attempt = :attempt AND e.kind = 'reserve';

-- name: resolution_of
SELECT * FROM entries
WHERE request = :request AND attempt = :attempt AND kind IN ('settle', 'release', 'expire');

-- name: adjusted
SELECT COALESCE(SUM(amount_nusd), 0) AS adjusted FROM entries
WHERE request = :request AND attempt = :attempt AND kind IN ('adjust', 'cached');

-- name: cached_answer
SELECT seq FROM entries
WHERE request = :request AND kind IN ('adjust', 'cached') AND kind = 'cached' AND picture_key = :picture_key;

-- name: entries_of_request
SELECT * FROM entries WHERE request = :request AND kind = 'reserve'
UNION ALL
SELECT * FROM entries WHERE request = :request AND kind IN ('settle', 'release', 'expire')
UNION ALL
SELECT * FROM entries WHERE request = :request AND kind IN ('adjust', 'cached')
ORDER BY seq;

-- name: latest_of_asset
-- What brought pictures, by the reservation that paid for them or the answer from the cache.
SELECT * FROM (
  SELECT r.*, q.request_id
  FROM requests AS q
  JOIN entries AS r ON r.request = q.id AND r.kind = 'reserve'
  JOIN entries AS e ON e.request = r.request AND e.attempt = r.attempt AND e.kind IN ('settle', 'release', 'expire')
  WHERE q.asset = :asset AND e.images > 0 ORDER BY q.id DESC LIMIT :most
) AS bought
UNION ALL
SELECT * FROM (
  SELECT e.*, q.request_id
  FROM requests AS q JOIN entries AS e ON e.request = q.id AND e.kind IN ('adjust', 'cached')
  WHERE q.asset = :asset AND e.kind = 'cached' ORDER BY q.id DESC LIMIT :most
) AS answered
ORDER BY seq DESC LIMIT :most;

-- name: requests_between
-- Of those that were archived the entries are elsewhere.
SELECT * FROM requests WHERE (at, id) > (:at, :id) AND at < :until AND archive IS NULL ORDER BY at, id LIMIT :most;

-- name: entries_of_requests_between
-- Each kind by the index that holds it. Joined instead, SQLite would read all of each index for a filter.
WITH chosen AS (
  SELECT id FROM requests WHERE (at, id) >= (:first_at, :first_id) AND (at, id) <= (:last_at, :last_id)
)
SELECT * FROM entries WHERE request IN (SELECT id FROM chosen) AND kind = 'reserve'
UNION ALL
SELECT * FROM entries WHERE request IN (SELECT id FROM chosen) AND kind IN ('settle', 'release', 'expire')
UNION ALL
SELECT * FROM entries WHERE request IN (SELECT id FROM chosen) AND kind IN ('adjust', 'cached')
ORDER BY seq;

-- name: newest_requests_of
-- Those for an asset at an importance, from one back.
SELECT * FROM requests
WHERE (at, id) < (:at, :id) AND at >= :since AND importance = :importance AND asset IS NOT NULL AND archive IS NULL
ORDER BY at DESC, id DESC LIMIT :most;

-- name: children
SELECT request_id FROM requests WHERE parent = :request_id;

-- name: attempts_unconfirmed
-- All entries of the attempts that ended in a time and whose last entry is unconfirmed, in the order of that one.
WITH last_words AS MATERIALIZED (
  SELECT e.seq, e.request, e.attempt, q.request_id FROM entries AS e JOIN requests AS q ON q.id = e.request
  WHERE e.unconfirmed = 1 AND e.seq > :seq AND NOT EXISTS (
    SELECT 1 FROM entries AS a
    WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached') AND a.seq > e.seq
  ) AND EXISTS (
    SELECT 1 FROM entries AS r
    WHERE r.request = e.request AND r.attempt = e.attempt AND r.kind IN ('settle', 'release', 'expire')
      AND r.at >= :since AND r.at < :until
  ) ORDER BY e.seq LIMIT :most
)
SELECT e.*, w.request_id, w.seq AS last_seq FROM last_words AS w CROSS JOIN entries AS e
WHERE e.request = w.request AND e.attempt = w.attempt AND e.kind = 'reserve'
UNION ALL
SELECT e.*, w.request_id, w.seq FROM last_words AS w CROSS JOIN entries AS e
WHERE e.request = w.request AND e.attempt = w.attempt AND e.kind IN ('settle', 'release', 'expire')
UNION ALL
SELECT e.*, w.request_id, w.seq FROM last_words AS w CROSS JOIN entries AS e
WHERE e.request = w.request AND e.attempt = w.attempt AND e.kind IN ('adjust', 'cached')
ORDER BY last_seq, seq;

-- name: entries_after
SELECT e.*, q.request_id FROM entries AS e JOIN requests AS q ON q.id = e.request
WHERE e.seq > :seq ORDER BY e.seq LIMIT :most;

-- name: charges_after
-- What spend counts, in order of time; what stands unconfirmed to this day is `in_doubt`.
SELECT e.*, CASE WHEN e.kind = 'adjust' THEN (
    SELECT r.at FROM entries AS r
    WHERE r.request = e.request AND r.attempt = e.attempt AND r.kind IN ('settle', 'release', 'expire')
  ) ELSE e.at END AS resolved_at,
  CASE WHEN e.unconfirmed = 1 AND NOT EXISTS (
    SELECT 1 FROM entries AS a
    WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached')
      AND a.seq > e.seq AND a.unconfirmed = 0
  ) THEN 1 ELSE 0 END AS in_doubt
FROM entries AS e
WHERE e.kind IN ('settle', 'expire', 'adjust', 'cached') AND e.at >= :at AND (e.at > :at OR e.seq > :seq)
  AND e.at < :until
ORDER BY e.at, e.seq LIMIT :most;

-- name: requests_by_id
SELECT * FROM requests WHERE id IN ({ids});

-- name: extent
SELECT COUNT(*) AS entries, COALESCE(MIN(seq), 1) AS first_seq, COALESCE(MAX(seq), 0) AS last_seq FROM entries;

-- name: folded_reserves
SELECT counters, SUM(amount_nusd) AS held, 0 AS spent FROM entries WHERE kind = 'reserve' GROUP BY counters;

-- name: folded_resolutions
SELECT r.counters, SUM(r.amount_nusd) AS held, SUM(e.amount_nusd) AS spent
FROM entries AS e
JOIN entries AS r ON r.request = e.request AND r.attempt = e.attempt AND r.kind = 'reserve'
WHERE e.kind IN ('settle', 'release', 'expire') GROUP BY r.counters;

-- name: folded_adjustments
SELECT r.counters, 0 AS held, SUM(e.amount_nusd) AS spent
FROM entries AS e
JOIN entries AS r ON r.request = e.request AND r.attempt = e.attempt AND r.kind = 'reserve'
WHERE e.kind = 'adjust' GROUP BY r.counters;

-- name: unconfirmed
SELECT COALESCE(SUM(e.amount_nusd), 0) AS unconfirmed FROM entries AS e
WHERE e.unconfirmed = 1 AND NOT EXISTS (
  SELECT 1 FROM entries AS a
  WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached')
    AND a.seq > e.seq AND a.unconfirmed = 0
);

-- name: hold_ratios
WITH ratios AS (
  SELECT CAST(r.amount_nusd AS DOUBLE PRECISION) / e.amount_nusd AS ratio
  FROM entries AS e
  JOIN entries AS r ON r.request = e.request AND r.attempt = e.attempt AND r.kind = 'reserve'
  WHERE e.kind = 'settle' AND e.basis = 'metered' AND e.amount_nusd > 0
), middle AS (
  SELECT ratio FROM ratios ORDER BY ratio
  LIMIT 2 - (SELECT COUNT(*) FROM ratios) % 2 OFFSET ((SELECT COUNT(*) FROM ratios) - 1) / 2
)
SELECT (SELECT AVG(ratio) FROM middle) AS median, (SELECT MAX(ratio) FROM ratios) AS worst;

-- name: entries_without_request
SELECT e.seq, e.kind FROM entries AS e
WHERE NOT EXISTS (SELECT 1 FROM requests AS q WHERE q.id = e.request) ORDER BY e.seq;

-- name: answers_without_reserve
SELECT e.seq, e.kind FROM entries AS e
WHERE e.kind IN ('settle', 'release', 'expire', 'adjust') AND NOT EXISTS (
  SELECT 1 FROM entries AS r WHERE r.request = e.request AND r.attempt = e.attempt AND r.kind = 'reserve'
) ORDER BY e.seq;

-- name: reserves_without_end
SELECT r.seq, q.request_id, r.attempt FROM entries AS r JOIN requests AS q ON q.id = r.request
WHERE r.kind = 'reserve' AND r.seq NOT IN (SELECT seq FROM holds) AND NOT EXISTS (
  SELECT 1 FROM entries AS e
  WHERE e.request = r.request AND e.attempt = r.attempt AND e.kind IN ('settle', 'release', 'expire')
) ORDER BY r.seq;

-- name: holds_without_open_reserve
SELECT h.reservation_id FROM holds AS h
LEFT JOIN entries AS r ON r.seq = h.seq AND r.kind = 'reserve'
WHERE r.seq IS NULL OR EXISTS (
  SELECT 1 FROM entries AS e
  WHERE e.request = r.request AND e.attempt = r.attempt AND e.kind IN ('settle', 'release', 'expire')
) ORDER BY h.reservation_id;

-- name: deliveries_without_alert
SELECT d.alert, d.channel FROM deliveries AS d
WHERE NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.id = d.alert) ORDER BY d.alert, d.channel;

-- name: spent_lately
-- By the list of counters that the reserves count in.
SELECT r.counters, SUM(e.amount_nusd) AS spent
FROM entries AS e
JOIN entries AS r ON r.request = e.request AND r.attempt = e.attempt AND r.kind = 'reserve'
WHERE e.kind IN ('settle', 'expire', 'adjust', 'cached') AND e.at >= :since GROUP BY r.counters;

-- name: holds
SELECT COUNT(*) AS open_holds FROM holds;
