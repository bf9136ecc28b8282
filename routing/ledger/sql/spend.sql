-- What was spent: from the entries themselves, and from the sums they are folded into. Parts of statements, by name,
-- that `spend.py` and `rollup.py` put together, in the SQL that SQLite and PostgreSQL share.

-- name: charges
-- What each entry books, by the state the ledger had at entry :last. A request counts once, with the first entry that
-- charged or answered it. An amount is unconfirmed until a later adjustment of its attempt confirms it.
SELECT e.request, e.at, e.deployment, e.model, e.size, e.quality,
  CASE WHEN e.kind = 'cached' THEN 0 ELSE e.amount_nusd END AS spent_nusd,
  CASE WHEN e.kind = 'cached' THEN e.amount_nusd ELSE 0 END AS saved_nusd,
  CASE WHEN e.unconfirmed = 1 AND NOT EXISTS (
    SELECT 1 FROM entries AS a
    WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached')
      AND a.seq > e.seq AND a.seq <= :last AND a.unconfirmed = 0
  ) THEN e.amount_nusd ELSE 0 END AS unconfirmed_nusd,
  e.images,
  CASE WHEN (e.kind = 'cached' OR e.amount_nusd <> 0 OR e.images <> 0) AND NOT EXISTS (
    SELECT 1 FROM entries AS p
    WHERE p.request = e.request AND p.kind IN ('settle', 'release', 'expire') AND p.seq < e.seq
      AND (p.amount_nusd <> 0 OR p.images <> 0)
  ) AND NOT EXISTS (
    SELECT 1 FROM entries AS p
    WHERE p.request = e.request AND p.kind IN ('adjust', 'cached') AND p.seq < e.seq
      AND (p.kind = 'cached' OR p.amount_nusd <> 0)
  ) THEN 1 ELSE 0 END AS requests,
  CASE WHEN e.kind = 'cached' THEN 1 ELSE 0 END AS cached
FROM entries AS e WHERE e.kind IN ('settle', 'expire', 'adjust', 'cached') AND {which}

-- name: confirmations
-- What stood unconfirmed at entry :rolled and was confirmed since, until entry :last: it is taken back where it was
-- booked. Each kind of entry by the index that holds it.
SELECT e.request, e.at, e.deployment, e.model, e.size, e.quality,
  0, 0, -e.amount_nusd, 0, 0, 0
FROM entries AS e WHERE e.seq IN (
  SELECT u.seq FROM entries AS a CROSS JOIN entries AS u
  WHERE a.seq > :rolled AND a.seq <= :last AND a.kind = 'adjust' AND a.unconfirmed = 0
    AND u.request = a.request AND u.attempt = a.attempt AND u.kind IN ('settle', 'release', 'expire')
    AND u.unconfirmed = 1 AND u.seq <= :rolled
  UNION
  SELECT u.seq FROM entries AS a CROSS JOIN entries AS u
  WHERE a.seq > :rolled AND a.seq <= :last AND a.kind = 'adjust' AND a.unconfirmed = 0
    AND u.request = a.request AND u.attempt = a.attempt AND u.kind IN ('adjust', 'cached')
    AND u.unconfirmed = 1 AND u.seq <= :rolled
) AND NOT EXISTS (
  SELECT 1 FROM entries AS a
  WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached')
    AND a.seq > e.seq AND a.seq <= :rolled AND a.unconfirmed = 0
) AND {which}

-- name: rolled_up
SELECT spend_group, label, asset, spent_nusd, saved_nusd, unconfirmed_nusd, images, requests, cached
FROM spend_sums WHERE rollup = {rollup} AND start >= {since} AND start < {until} {only}

-- name: spend
WITH {sums} booked AS (
  SELECT {of_entries} 0 AS held_nusd, c.spent_nusd, c.saved_nusd, c.unconfirmed_nusd, c.images, c.requests, c.cached
  FROM ({charges}) AS c CROSS JOIN requests AS q WHERE q.id = c.request {only}
  UNION ALL
  SELECT {of_holds} e.amount_nusd, 0, 0, 0, 0, 0, 0
  FROM holds AS h JOIN entries AS e ON e.seq = h.seq JOIN requests AS q ON q.id = e.request
  WHERE e.at >= :since AND e.at < :until {only}
  {of_sums}
)
SELECT {keys} SUM(spent_nusd) AS spent, SUM(held_nusd) AS held, SUM(unconfirmed_nusd) AS unconfirmed,
  SUM(saved_nusd) AS saved, SUM(images) AS images, SUM(requests) AS requests, SUM(cached) AS cached
FROM booked {group_by}

-- name: only_assets
 AND COALESCE({column}, '') IN (SELECT {name} FROM {assets})

-- name: only_importance
 AND q.importance = :importance

-- name: only_importance_of_sums
 AND spend_group IN (SELECT id FROM spend_groups WHERE importance = :importance)

-- name: sums
-- Added up before their names are looked up.
{name} AS MATERIALIZED (
  SELECT {keys}, SUM(spent_nusd) AS spent_nusd, SUM(saved_nusd) AS saved_nusd,
    SUM(unconfirmed_nusd) AS unconfirmed_nusd, SUM(images) AS images, SUM(requests) AS requests,
    SUM(cached) AS cached
  FROM ({pieces}) AS pieces GROUP BY {keys}
),

-- name: labels_of_sums
-- The tags that are asked for, read once for each combination of tags.
labels AS MATERIALIZED (
  SELECT l.id{tags} FROM spend_labels AS l WHERE l.id IN (SELECT label FROM {name})
),

-- name: of_plain_sums
UNION ALL
SELECT {columns} 0, s.spent_nusd, s.saved_nusd, s.unconfirmed_nusd, s.images, s.requests, s.cached
FROM plain AS s JOIN spend_groups AS g ON g.id = s.spend_group

-- name: of_tag_sums
-- What has the tag at all, by its value; it is taken out of what has none.
UNION ALL
SELECT {columns} 0, s.spent_nusd, s.saved_nusd, s.unconfirmed_nusd, s.images, s.requests, s.cached
FROM tagged AS s JOIN spend_tags AS t ON t.id = s.label JOIN spend_groups AS g ON g.id = s.spend_group
WHERE t.name = :{tag}
UNION ALL
SELECT {columns_without} 0, -s.spent_nusd, -s.saved_nusd, -s.unconfirmed_nusd, -s.images, -s.requests, -s.cached
FROM tagged AS s JOIN spend_tags AS t ON t.id = s.label JOIN spend_groups AS g ON g.id = s.spend_group
WHERE t.name = :{tag}

-- name: of_label_sums
UNION ALL
SELECT {columns} 0, s.spent_nusd, s.saved_nusd, s.unconfirmed_nusd, s.images, s.requests, s.cached
FROM labelled AS s JOIN spend_groups AS g ON g.id = s.spend_group JOIN labels AS l ON l.id = s.label

-- name: of_asset_sums
-- Of what an older version archived, neither importance nor tags are known.
UNION ALL
SELECT {columns} 0, s.spent_nusd, s.saved_nusd, s.unconfirmed_nusd, s.images, s.requests, s.cached
FROM {source}
