-- Folding entries into the sums that reports read: statements by name. {charges} and {confirmations} are those of
-- `spend.sql`, the other gaps are filled with what `dialect.py` says of a database.

-- name: rolled
SELECT rolled_seq, (SELECT COALESCE(MAX(seq), 0) FROM entries) AS last_seq FROM fold_mark;

-- name: groups_to_name
-- One entry of each group that has no number yet.
SELECT MIN(e.seq) AS number FROM entries AS e CROSS JOIN requests AS q
WHERE e.seq > :rolled AND e.seq <= :last AND e.kind IN ('settle', 'expire', 'adjust', 'cached') AND q.id = e.request
  AND NOT EXISTS (
    SELECT 1 FROM spend_groups AS g
    WHERE g.deployment = e.deployment AND g.importance = q.importance AND g.model = e.model
      AND g.operation = q.operation AND g.rule = q.rule AND g.policy = q.policy AND g.size = e.size
      AND g.quality = COALESCE(e.quality, '')
  )
GROUP BY e.deployment, q.importance, e.model, q.operation, q.rule, q.policy, e.size, COALESCE(e.quality, '');

-- name: labels_to_name
-- One request of each combination of tags that has no number yet.
SELECT MIN(q.id) AS number FROM entries AS e CROSS JOIN requests AS q
WHERE e.seq > :rolled AND e.seq <= :last AND e.kind IN ('settle', 'expire', 'adjust', 'cached') AND q.id = e.request
  AND NOT EXISTS (SELECT 1 FROM spend_labels AS l WHERE {same_tags})
GROUP BY q.tags;

-- name: name_groups
INSERT INTO spend_groups (importance, deployment, model, operation, rule, policy, size, quality)
SELECT q.importance, e.deployment, e.model, q.operation, q.rule, q.policy, e.size, COALESCE(e.quality, '')
FROM {rows} CROSS JOIN entries AS e CROSS JOIN requests AS q
WHERE e.seq = {number} AND q.id = e.request AND NOT EXISTS (
  SELECT 1 FROM spend_groups AS g
  WHERE g.deployment = e.deployment AND g.importance = q.importance AND g.model = e.model
    AND g.operation = q.operation AND g.rule = q.rule AND g.policy = q.policy AND g.size = e.size
    AND g.quality = COALESCE(e.quality, '')
);

-- name: name_labels
INSERT INTO spend_labels (tags)
SELECT q.tags FROM {rows} CROSS JOIN requests AS q
WHERE q.id = {number} AND NOT EXISTS (SELECT 1 FROM spend_labels AS l WHERE {same_tags});

-- name: name_tags
INSERT INTO spend_tags (name, value)
SELECT t.key, t.value FROM {rows} CROSS JOIN requests AS q CROSS JOIN {each_tag}
WHERE q.id = {number}
ON CONFLICT (name, value) DO NOTHING;

-- name: name_tags_of_labels
INSERT INTO tags_of_labels (label, tag)
SELECT l.id, g.id FROM {rows} CROSS JOIN requests AS q CROSS JOIN spend_labels AS l CROSS JOIN {each_tag}
CROSS JOIN spend_tags AS g
WHERE q.id = {number} AND {same_tags} AND g.name = t.key AND g.value = t.value
ON CONFLICT (label, tag) DO NOTHING;

-- name: charges_by_rollup
-- A charge without a group or a label comes out with NULL, which no sum takes: nothing is lost without a word.
WITH months AS MATERIALIZED (
  SELECT {start} AS start, {until} AS until FROM {months}
), finest AS MATERIALIZED (
  SELECT e.at - e.at % 3600000 AS hour, g.id AS spend_group, l.id AS label, COALESCE(q.asset, '') AS asset,
    SUM(e.spent_nusd) AS spent_nusd, SUM(e.saved_nusd) AS saved_nusd, SUM(e.unconfirmed_nusd) AS unconfirmed_nusd,
    SUM(e.images) AS images, SUM(e.requests) AS requests, SUM(e.cached) AS cached
  FROM ({charges}) AS e CROSS JOIN requests AS q
  LEFT JOIN spend_groups AS g
    ON g.deployment = e.deployment AND g.importance = q.importance AND g.model = e.model
    AND g.operation = q.operation AND g.rule = q.rule AND g.policy = q.policy AND g.size = e.size
    AND g.quality = COALESCE(e.quality, '')
  LEFT JOIN spend_labels AS l ON {same_tags}
  WHERE q.id = e.request
  GROUP BY 1, 2, 3, 4
), days AS MATERIALIZED (
  SELECT d.day, m.start AS month FROM (SELECT DISTINCT hour - hour % 86400000 AS day FROM finest) AS d
  LEFT JOIN months AS m ON m.start <= d.day AND d.day < m.until
), daily AS MATERIALIZED (
  SELECT d.day, d.month, f.spend_group, f.label,
    SUM(f.spent_nusd) AS spent_nusd, SUM(f.saved_nusd) AS saved_nusd, SUM(f.unconfirmed_nusd) AS unconfirmed_nusd,
    SUM(f.images) AS images, SUM(f.requests) AS requests, SUM(f.cached) AS cached
  FROM finest AS f JOIN days AS d ON d.day = f.hour - f.hour % 86400000
  GROUP BY d.day, d.month, f.spend_group, f.label
), tagged AS MATERIALIZED (
  SELECT d.day, d.month, d.spend_group, t.tag, SUM(d.spent_nusd) AS spent_nusd, SUM(d.saved_nusd) AS saved_nusd,
    SUM(d.unconfirmed_nusd) AS unconfirmed_nusd, SUM(d.images) AS images, SUM(d.requests) AS requests,
    SUM(d.cached) AS cached
  FROM daily AS d JOIN tags_of_labels AS t ON t.label = d.label GROUP BY d.day, d.month, d.spend_group, t.tag
), importances AS MATERIALIZED (
  -- What tells importances apart is the first group that has each.
  SELECT g.id AS spend_group, f.id AS first_group FROM spend_groups AS g
  JOIN (SELECT importance, MIN(id) AS id FROM spend_groups GROUP BY importance) AS f ON f.importance = g.importance
), summed AS (
  SELECT 1 AS rollup, hour AS start, spend_group, 0 AS label, '' AS asset,
    SUM(spent_nusd) AS spent_nusd, SUM(saved_nusd) AS saved_nusd, SUM(unconfirmed_nusd) AS unconfirmed_nusd,
    SUM(images) AS images, SUM(requests) AS requests, SUM(cached) AS cached
  FROM finest GROUP BY hour, spend_group
  UNION ALL
  SELECT 2, month, spend_group, 0, '',
    SUM(spent_nusd), SUM(saved_nusd), SUM(unconfirmed_nusd), SUM(images), SUM(requests), SUM(cached)
  FROM daily GROUP BY month, spend_group
  UNION ALL
  SELECT 3, day, spend_group, tag, '', spent_nusd, saved_nusd, unconfirmed_nusd, images, requests, cached
  FROM tagged
  UNION ALL
  SELECT 4, month, spend_group, tag, '',
    SUM(spent_nusd), SUM(saved_nusd), SUM(unconfirmed_nusd), SUM(images), SUM(requests), SUM(cached)
  FROM tagged GROUP BY month, spend_group, tag
  UNION ALL
  SELECT 5, month, spend_group, label, '',
    SUM(spent_nusd), SUM(saved_nusd), SUM(unconfirmed_nusd), SUM(images), SUM(requests), SUM(cached)
  FROM daily GROUP BY month, spend_group, label
  UNION ALL
  SELECT 6, d.month, g.first_group, f.label, f.asset, SUM(f.spent_nusd), SUM(f.saved_nusd), SUM(f.unconfirmed_nusd),
    SUM(f.images), SUM(f.requests), SUM(f.cached)
  FROM finest AS f JOIN days AS d ON d.day = f.hour - f.hour % 86400000
  LEFT JOIN importances AS g ON g.spend_group = f.spend_group
  GROUP BY d.month, g.first_group, f.label, f.asset
);

-- name: sums_of_entries
{charges_by_rollup}
SELECT {pack} AS sums, (SELECT COUNT(*) FROM finest WHERE spend_group IS NULL OR label IS NULL) AS nameless
FROM summed
WHERE spent_nusd <> 0 OR saved_nusd <> 0 OR unconfirmed_nusd <> 0 OR images <> 0 OR requests <> 0 OR cached <> 0;

-- name: move_mark
UPDATE fold_mark SET rolled_seq = :last WHERE rolled_seq = :rolled RETURNING rolled_seq;

-- name: add_sums
INSERT INTO spend_sums
SELECT {columns}
FROM {rows} WHERE TRUE
ON CONFLICT (rollup, start, spend_group, label, asset) DO UPDATE SET
  spent_nusd = spend_sums.spent_nusd + excluded.spent_nusd,
  saved_nusd = spend_sums.saved_nusd + excluded.saved_nusd,
  unconfirmed_nusd = spend_sums.unconfirmed_nusd + excluded.unconfirmed_nusd,
  images = spend_sums.images + excluded.images,
  requests = spend_sums.requests + excluded.requests,
  cached = spend_sums.cached + excluded.cached;

-- name: extent_of_charges
SELECT (SELECT MIN(at) FROM entries WHERE kind IN ('settle', 'expire', 'adjust', 'cached')) AS first_at,
  (SELECT MAX(at) FROM entries WHERE kind IN ('settle', 'expire', 'adjust', 'cached')) AS last_at;

-- name: next_of_charges
-- Each by the first row of an index.
SELECT MIN(at) AS at FROM (
  SELECT MIN(at) AS at FROM entries WHERE kind IN ('settle', 'expire', 'adjust', 'cached') AND at >= :since
  UNION ALL
  SELECT MIN(start) FROM spend_sums WHERE rollup = 1 AND start >= :since
  UNION ALL
  SELECT MIN(start) FROM spend_sums WHERE rollup = 2 AND start >= :since
  UNION ALL
  SELECT MIN(start) FROM spend_sums WHERE rollup = 3 AND start >= :since
  UNION ALL
  SELECT MIN(start) FROM spend_sums WHERE rollup = 4 AND start >= :since
  UNION ALL
  SELECT MIN(start) FROM spend_sums WHERE rollup = 5 AND start >= :since
  UNION ALL
  SELECT MIN(start) FROM spend_sums WHERE rollup = 6 AND start >= :since
) AS firsts;

-- name: sums_that_differ
-- Of one month: what was folded, less what its entries say and what stands for those that were archived.
{charges_by_rollup}
SELECT d.rollup, d.start, d.asset, g.importance, g.deployment,
  CASE WHEN d.rollup IN (3, 4) THEN (SELECT t.name || '=' || t.value FROM spend_tags AS t WHERE t.id = d.label) END AS tag,
  CASE WHEN d.rollup = 5 THEN (SELECT CAST(l.tags AS TEXT) FROM spend_labels AS l WHERE l.id = d.label) END AS tags,
  d.spent_nusd, d.saved_nusd, d.unconfirmed_nusd, d.images, d.requests, d.cached
FROM (
  SELECT rollup, start, spend_group, label, asset, SUM(spent_nusd) AS spent_nusd, SUM(saved_nusd) AS saved_nusd,
    SUM(unconfirmed_nusd) AS unconfirmed_nusd, SUM(images) AS images, SUM(requests) AS requests, SUM(cached) AS cached
  FROM (
    SELECT * FROM spend_sums WHERE rollup IN (1, 2, 3, 4, 5, 6) AND start >= :since AND start < :until
    UNION ALL
    SELECT rollup, start, spend_group, label, asset,
      -spent_nusd, -saved_nusd, -unconfirmed_nusd, -images, -requests, -cached FROM summed
    UNION ALL
    SELECT rollup, start, spend_group, label, asset,
      -spent_nusd, -saved_nusd, -unconfirmed_nusd, -images, -requests, -cached FROM archived_sums
    WHERE rollup IN (1, 2, 3, 4, 5, 6) AND start >= :since AND start < :until
  ) AS all_sides GROUP BY rollup, start, spend_group, label, asset
) AS d LEFT JOIN spend_groups AS g ON g.id = d.spend_group
WHERE d.spent_nusd <> 0 OR d.saved_nusd <> 0 OR d.unconfirmed_nusd <> 0 OR d.images <> 0 OR d.requests <> 0
  OR d.cached <> 0
ORDER BY d.rollup, d.start, d.spend_group, d.label, d.asset LIMIT :most;
