-- What a replay reads of past requests: statements by name, in the SQL that all stores share.

-- name: charges_of_requests_between
-- Each kind by the index that holds it. ``unended`` are attempts, ``cached`` answers from the cache.
WITH chosen AS (
  SELECT id FROM requests WHERE (at, id) >= (:first_at, :first_id) AND (at, id) <= (:last_at, :last_id)
), steps AS (
  SELECT request, deployment, 0 AS charged, 1 AS unended, 0 AS cached FROM entries
  WHERE request IN (SELECT id FROM chosen) AND kind = 'reserve'
  UNION ALL
  SELECT request, deployment, amount_nusd, -1, 0 FROM entries
  WHERE request IN (SELECT id FROM chosen) AND kind IN ('settle', 'release', 'expire')
  UNION ALL
  SELECT request, deployment, CASE kind WHEN 'adjust' THEN amount_nusd ELSE 0 END, 0,
    CASE kind WHEN 'cached' THEN 1 ELSE 0 END FROM entries
  WHERE request IN (SELECT id FROM chosen) AND kind IN ('adjust', 'cached')
)
SELECT request, deployment, CAST(SUM(charged) AS BIGINT) AS charged, CAST(SUM(unended) AS BIGINT) AS unended,
  CAST(SUM(cached) AS BIGINT) AS cached
FROM steps GROUP BY request, deployment ORDER BY request, deployment;
