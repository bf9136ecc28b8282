-- What requests cost and delivered, folded by all that a price reads of them: statements by name, in the SQL that SQLite
-- and PostgreSQL share. The gaps are filled by `paid.py`.

-- name: paid
-- What each request of `touched` comes to at entry :last, and, taken back, what it came to at the entry `before`. Its
-- size is that of the picture that was delivered first. Each kind of entry by the index that holds it.
WITH touched AS MATERIALIZED (
  {touched}
), steps AS MATERIALIZED (
  SELECT t.mark, t.before, e.request, e.attempt, e.seq, e.kind, e.amount_nusd, e.images, e.size, e.unconfirmed
  FROM touched AS t CROSS JOIN entries AS e
  WHERE e.request = t.request AND e.kind IN ('settle', 'release', 'expire') AND e.seq <= :last
  UNION ALL
  SELECT t.mark, t.before, e.request, e.attempt, e.seq, e.kind, e.amount_nusd, e.images, e.size, e.unconfirmed
  FROM touched AS t CROSS JOIN entries AS e
  WHERE e.request = t.request AND e.kind IN ('adjust', 'cached') AND e.seq <= :last
), requested AS (
  SELECT s.side, s.mark, s.request,
    CAST(SUM(CASE WHEN s.kind = 'cached' THEN 0 ELSE s.amount_nusd END) AS BIGINT) AS spent_nusd,
    CAST(SUM(CASE WHEN s.kind = 'cached' THEN 0 ELSE s.images END) AS BIGINT) AS images,
    SUBSTR(
      MIN(CASE WHEN s.kind <> 'cached' AND s.images <> 0 THEN CAST(1000000000000000 + s.seq AS TEXT) || s.size END), 17
    ) AS size,
    SUM(CASE
      WHEN s.kind = 'cached' OR s.images <> 0 THEN 0
      WHEN s.kind = 'adjust' AND EXISTS (
        SELECT 1 FROM entries AS r
        WHERE r.request = s.request AND r.attempt = s.attempt AND r.kind IN ('settle', 'release', 'expire')
          AND r.images <> 0
      ) THEN 0
      ELSE s.amount_nusd
    END) AS failed_nusd,
    SUM(CASE WHEN s.unconfirmed = 1 AND NOT EXISTS (
      SELECT 1 FROM entries AS a
      WHERE a.request = s.request AND a.attempt = s.attempt AND a.kind IN ('adjust', 'cached')
        AND a.seq > s.seq AND a.seq <= s.upto AND a.unconfirmed = 0
    ) THEN s.amount_nusd ELSE 0 END) AS unconfirmed_nusd,
    SUM(CASE WHEN s.kind = 'cached' THEN s.images ELSE 0 END) AS from_cache,
    SUM(CASE WHEN s.kind = 'cached' THEN s.amount_nusd ELSE 0 END) AS saved_nusd
  FROM (
    SELECT 1 AS side, :last AS upto, steps.* FROM steps
    UNION ALL
    SELECT -1, before, steps.* FROM steps WHERE seq <= before
  ) AS s GROUP BY s.request, s.side, s.mark
), shaped AS MATERIALIZED (
  SELECT mark, importance, partial, operation, size, images, prompt_chars, text_chars, features,
    SUM(side * CASE WHEN images <> 0 OR spent_nusd <> 0 THEN 1 ELSE 0 END) AS requests,
    SUM(side * tokens) AS prompt_tokens, SUM(side * spent_nusd) AS spent_nusd, SUM(side * failed_nusd) AS failed_nusd,
    SUM(side * unconfirmed_nusd) AS unconfirmed_nusd, SUM(side * from_cache) AS from_cache,
    SUM(side * saved_nusd) AS saved_nusd
  FROM (
    SELECT {mark} AS mark, r.side, r.spent_nusd,
      -- A picture that was bought again for a bad one is no second one that was wanted.
      CASE WHEN q.features <> '{{}}' AND r.images > q.n THEN q.n ELSE r.images END AS images,
      r.failed_nusd, r.unconfirmed_nusd, r.from_cache, r.saved_nusd,
      q.importance, CASE WHEN {told} THEN q.operation ELSE '' END AS operation,
      CASE WHEN q.features = '{{}}' THEN 1 ELSE 0 END AS partial,
      CASE WHEN {told} THEN COALESCE(NULLIF(r.size, ''), q.size, '') ELSE '' END AS size,
      CASE WHEN {told} THEN q.prompt_chars - {prompt_over} ELSE 0 END AS prompt_chars,
      CASE WHEN {told} THEN q.text_chars - {text_over} ELSE 0 END AS text_chars,
      CASE WHEN {told} THEN (q.prompt_chars + 3) / 4 ELSE 0 END AS tokens,
      CASE WHEN {told} THEN {shape} ELSE '' END AS features
    FROM requested AS r CROSS JOIN requests AS q WHERE q.id = r.request
  ) AS each_request
  GROUP BY mark, importance, partial, operation, size, images, prompt_chars, text_chars, features
)

-- name: same_shape
s.importance = c.importance AND s.size = c.size AND s.images = c.images AND s.prompt_chars = c.prompt_chars
  AND s.text_chars = c.text_chars AND s.operation = c.operation AND s.partial = c.partial AND {same_features}

-- name: paid_by_rollup
{paid}, months AS MATERIALIZED (
  SELECT {start} AS start, {until} AS until FROM {months}
), named AS MATERIALIZED (
  SELECT c.*, s.id AS shape, m.start AS month FROM shaped AS c LEFT JOIN paid_shapes AS s ON {same_shape}
  LEFT JOIN months AS m ON m.start <= c.mark AND c.mark < m.until
), summed AS (
  SELECT 1 AS rollup, mark AS start, shape, requests, prompt_tokens, spent_nusd, failed_nusd, unconfirmed_nusd,
    from_cache, saved_nusd
  FROM named
  UNION ALL
  SELECT 2, month, shape, SUM(requests), SUM(prompt_tokens), SUM(spent_nusd), SUM(failed_nusd), SUM(unconfirmed_nusd),
    SUM(from_cache), SUM(saved_nusd)
  FROM named GROUP BY month, shape
)

-- name: paid_sums_of
-- With what has no number yet: its columns, each combination once.
{paid_by_rollup}
SELECT (
  SELECT {pack} FROM summed
  WHERE requests <> 0 OR prompt_tokens <> 0 OR spent_nusd <> 0 OR failed_nusd <> 0 OR unconfirmed_nusd <> 0
    OR from_cache <> 0 OR saved_nusd <> 0
) AS sums, (
  SELECT {pack_shapes} FROM (
    SELECT DISTINCT importance, partial, operation, size, images, prompt_chars, text_chars, features
    FROM named WHERE shape IS NULL
  ) AS nameless
) AS nameless;

-- name: name_shapes
INSERT INTO paid_shapes (importance, partial, operation, size, images, prompt_chars, text_chars, features)
SELECT c.* FROM (SELECT {shapes} FROM {rows}) AS c
WHERE NOT EXISTS (SELECT 1 FROM paid_shapes AS s WHERE {same_shape});

-- name: add_paid
INSERT INTO paid_sums
SELECT {columns} FROM {rows} WHERE TRUE
ON CONFLICT (rollup, start, shape) DO UPDATE SET
  requests = paid_sums.requests + excluded.requests,
  prompt_tokens = paid_sums.prompt_tokens + excluded.prompt_tokens,
  spent_nusd = paid_sums.spent_nusd + excluded.spent_nusd,
  failed_nusd = paid_sums.failed_nusd + excluded.failed_nusd,
  unconfirmed_nusd = paid_sums.unconfirmed_nusd + excluded.unconfirmed_nusd,
  from_cache = paid_sums.from_cache + excluded.from_cache,
  saved_nusd = paid_sums.saved_nusd + excluded.saved_nusd;

-- name: touched_by_step
SELECT DISTINCT request, :rolled AS before, 0 AS mark FROM entries
WHERE seq > :rolled AND seq <= :last AND kind IN ('settle', 'expire', 'adjust', 'cached')

-- name: touched_in_time
-- What sums do not reach, and what is not folded yet of what they reach: both are spans with the number of the question.
SELECT q.id AS request, 0 AS before, {place} AS mark FROM {edges} CROSS JOIN requests AS q
WHERE q.at >= {since} AND q.at < {until}
UNION ALL
SELECT t.request, :rolled, {place} FROM (
  SELECT e.request, MIN(q.at) AS at FROM entries AS e CROSS JOIN requests AS q
  WHERE e.seq > :rolled AND e.seq <= :last AND e.kind IN ('settle', 'expire', 'adjust', 'cached') AND q.id = e.request
  GROUP BY e.request
) AS t CROSS JOIN {summed} WHERE t.at >= {since} AND t.at < {until}

-- name: touched_in_month
SELECT id AS request, 0 AS before, 0 AS mark FROM requests WHERE at >= :since AND at < :until

-- name: touched_by_archive
SELECT id AS request, 0 AS before, 0 AS mark FROM requests
WHERE archive = :archive AND id >= :first AND id <= :until

-- name: paid_in_time
{paid}
SELECT mark AS place, importance, partial, operation, size, images, prompt_chars, text_chars, features,
  SUM(requests) AS requests, SUM(prompt_tokens) AS prompt_tokens, SUM(spent_nusd) AS spent_nusd,
  SUM(failed_nusd) AS failed_nusd, SUM(unconfirmed_nusd) AS unconfirmed_nusd, SUM(from_cache) AS from_cache,
  SUM(saved_nusd) AS saved_nusd
FROM (
  SELECT * FROM shaped
  UNION ALL
  SELECT p.place, s.importance, s.partial, s.operation, s.size, s.images, s.prompt_chars, s.text_chars, s.features,
    p.requests, p.prompt_tokens, p.spent_nusd, p.failed_nusd, p.unconfirmed_nusd, p.from_cache, p.saved_nusd
  FROM (
    SELECT {place} AS place, b.shape, SUM(b.requests) AS requests, SUM(b.prompt_tokens) AS prompt_tokens,
      SUM(b.spent_nusd) AS spent_nusd, SUM(b.failed_nusd) AS failed_nusd, SUM(b.unconfirmed_nusd) AS unconfirmed_nusd,
      SUM(b.from_cache) AS from_cache, SUM(b.saved_nusd) AS saved_nusd
    FROM {summed} CROSS JOIN paid_sums AS b
    WHERE b.rollup = {rollup} AND b.start >= {since} AND b.start < {until} GROUP BY 1, 2
  ) AS p JOIN paid_shapes AS s ON s.id = p.shape
) AS found
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

-- name: extent_of_requests
SELECT (SELECT MIN(at) FROM requests) AS first_at, (SELECT MAX(at) FROM requests) AS last_at;

-- name: next_of_paid
-- Each by the first row of an index.
SELECT MIN(at) AS at FROM (
  SELECT MIN(at) AS at FROM requests WHERE at >= :since
  UNION ALL
  SELECT MIN(start) FROM paid_sums WHERE rollup = 1 AND start >= :since
  UNION ALL
  SELECT MIN(start) FROM paid_sums WHERE rollup = 2 AND start >= :since
) AS firsts;

-- name: paid_that_differs
-- Of one month: what was folded, less what its requests say and what stands for those that were archived.
{paid_by_rollup}
SELECT d.*, s.importance, s.size FROM (
  SELECT rollup, start, shape, SUM(requests) AS requests, SUM(prompt_tokens) AS prompt_tokens,
    SUM(spent_nusd) AS spent_nusd, SUM(failed_nusd) AS failed_nusd, SUM(unconfirmed_nusd) AS unconfirmed_nusd,
    SUM(from_cache) AS from_cache, SUM(saved_nusd) AS saved_nusd
  FROM (
    SELECT * FROM paid_sums WHERE rollup IN (1, 2) AND start >= :since AND start < :until
    UNION ALL
    SELECT rollup, start, shape, -requests, -prompt_tokens, -spent_nusd, -failed_nusd, -unconfirmed_nusd, -from_cache,
      -saved_nusd FROM summed
    UNION ALL
    SELECT rollup, start, shape, -requests, -prompt_tokens, -spent_nusd, -failed_nusd, -unconfirmed_nusd, -from_cache,
      -saved_nusd FROM archived_paid_sums WHERE rollup IN (1, 2) AND start >= :since AND start < :until
  ) AS all_sides GROUP BY rollup, start, shape
) AS d LEFT JOIN paid_shapes AS s ON s.id = d.shape
WHERE d.requests <> 0 OR d.prompt_tokens <> 0 OR d.spent_nusd <> 0 OR d.failed_nusd <> 0 OR d.unconfirmed_nusd <> 0
  OR d.from_cache <> 0 OR d.saved_nusd <> 0
ORDER BY d.rollup, d.start, d.shape LIMIT :most;
