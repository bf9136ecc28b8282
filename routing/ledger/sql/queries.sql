-- Statements by name, in the SQL that SQLite and PostgreSQL share. Parameters are written :name.

-- name: insert_request
INSERT INTO requests (
  request_id, fingerprint, at, importance, named_importance, rule, policy, operation, asset, parent, tags,
  prompt_hash, prompt_chars, text_chars, n, reference_pictures, size
) VALUES (
  :request_id, :fingerprint, :at, :importance, :named_importance, :rule, :policy, :operation, :asset, :parent, :tags,
  :prompt_hash, :prompt_chars, :text_chars, :n, :reference_pictures, :size
) ON CONFLICT (request_id) DO NOTHING RETURNING id;

-- name: request
SELECT * FROM requests WHERE request_id = :request_id;

-- name: attempts_made
SELECT attempt FROM entries WHERE request = :request AND kind = 'reserve';

-- name: insert_entry
INSERT INTO entries (
  request, attempt, kind, at, amount_nusd, deployment, model, size, quality, basis, unconfirmed, overrun, images,
  usage, reason, picture_key, counters
) VALUES (
  :request, :attempt, :kind, :at, :amount_nusd, :deployment, :model, :size, :quality, :basis, :unconfirmed, :overrun,
  :images, :usage, :reason, :picture_key, :counters
) RETURNING seq;

-- name: hold_in_counter
UPDATE counters SET held_nusd = held_nusd + :needed, limit_nusd = :limit, alert_at = :alert_at
WHERE budget = :budget AND start = :start AND scope = :scope AND below = :below
  AND held_nusd + spent_nusd + :needed <= :limit
RETURNING id;

-- name: insert_counter
INSERT INTO counters (budget, start, scope, below, held_nusd, spent_nusd, limit_nusd, alert_at)
VALUES (:budget, :start, :scope, :below, :needed, 0, :limit, :alert_at) RETURNING id;

-- name: counter
SELECT * FROM counters WHERE budget = :budget AND start = :start AND scope = :scope AND below = :below;

-- name: book_in_counter
UPDATE counters SET held_nusd = held_nusd - :released, spent_nusd = spent_nusd + :charged
WHERE id = :id RETURNING *;

-- name: counters
SELECT * FROM counters ORDER BY id;

-- name: counter_of_id
SELECT * FROM counters WHERE id = :id;

-- name: counters_of_window
SELECT * FROM counters WHERE budget = :budget AND start = :start;

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

-- name: insert_alert
INSERT INTO alerts (counter, threshold_nusd, limit_nusd, spent_nusd, at)
VALUES (:counter, :threshold_nusd, :limit_nusd, :spent_nusd, :at)
ON CONFLICT (counter, threshold_nusd) DO NOTHING RETURNING id;

-- name: pending_alerts
SELECT c.budget, c.start, c.scope, c.below, a.threshold_nusd, a.limit_nusd, a.spent_nusd, a.at
FROM alerts AS a JOIN counters AS c ON c.id = a.counter WHERE a.acknowledged = 0 ORDER BY a.id;

-- name: acknowledge
UPDATE alerts SET acknowledged = 1
WHERE threshold_nusd = :threshold_nusd AND counter = (
  SELECT id FROM counters WHERE budget = :budget AND start = :start AND scope = :scope AND below = :below
);

-- name: entries_of_request
SELECT * FROM entries WHERE request = :request AND kind = 'reserve'
UNION ALL
SELECT * FROM entries WHERE request = :request AND kind IN ('settle', 'release', 'expire')
UNION ALL
SELECT * FROM entries WHERE request = :request AND kind IN ('adjust', 'cached')
ORDER BY seq;

-- name: entries_after
SELECT e.*, q.request_id FROM entries AS e JOIN requests AS q ON q.id = e.request
WHERE e.seq > :seq ORDER BY e.seq LIMIT :most;

-- name: spend
-- An amount is unconfirmed where it was written so and no later adjustment of its attempt confirmed it.
WITH booked AS (
  SELECT {columns} e.request, e.kind, e.images, e.amount_nusd, 0 AS held_nusd,
    CASE WHEN e.unconfirmed = 1 AND NOT EXISTS (
      SELECT 1 FROM entries AS a
      WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached')
        AND a.seq > e.seq AND a.unconfirmed = 0
    ) THEN e.amount_nusd ELSE 0 END AS unconfirmed_nusd
  FROM entries AS e JOIN requests AS q ON q.id = e.request
  WHERE e.kind IN ('settle', 'expire', 'adjust', 'cached') AND e.at >= :since AND e.at < :until
  UNION ALL
  SELECT {columns} e.request, e.kind, 0, 0, e.amount_nusd, 0
  FROM holds AS h JOIN entries AS e ON e.seq = h.seq JOIN requests AS q ON q.id = e.request
  WHERE e.at >= :since AND e.at < :until
)
SELECT {keys}
  SUM(CASE WHEN kind = 'cached' THEN 0 ELSE amount_nusd END) AS spent,
  SUM(CASE WHEN kind = 'cached' THEN amount_nusd ELSE 0 END) AS saved,
  SUM(CASE WHEN kind = 'cached' THEN 1 ELSE 0 END) AS cached,
  SUM(held_nusd) AS held,
  SUM(unconfirmed_nusd) AS unconfirmed,
  SUM(images) AS images,
  COUNT(DISTINCT CASE WHEN kind = 'cached' OR amount_nusd <> 0 OR images <> 0 THEN request END) AS requests
FROM booked {group_by};

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

-- name: holds
SELECT COUNT(*) AS open_holds FROM holds;
