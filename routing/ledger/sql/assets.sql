-- What assets came to: statements by name, in the SQL that SQLite and PostgreSQL share. {spend} is a question of `spend.sql`.

-- name: dearest
-- With each what all of them come to.
SELECT key_0 AS name, spent, images, COUNT(*) OVER () AS names, SUM(spent) OVER () AS all_spent,
  SUM(images) OVER () AS all_images
FROM ({spend}) AS found WHERE spent <> 0 OR images <> 0 ORDER BY spent DESC, {name} LIMIT :most

-- name: finished
SELECT key_0 AS value, COUNT(*) AS finished FROM ({spend}) AS found WHERE key_1 <> '' AND images <> 0 GROUP BY key_0;

-- name: sums_of_assets
-- By kind, and after that the dearest finished ones, without a kind. Where nothing came about there is no asset.
WITH each_asset AS MATERIALIZED (
  SELECT key_0 AS name, SUM(spent) AS spent, SUM(images) AS images,
    SUM(CASE WHEN key_1 = :highest THEN images ELSE 0 END) AS finals,
    SUM(CASE WHEN key_1 = :highest THEN 0 ELSE images END) AS draft_images,
    SUM(CASE WHEN key_1 = :highest OR images = 0 THEN 0 ELSE requests END) AS drafts
  FROM ({spend}) AS found
  WHERE spent <> 0 OR held <> 0 OR unconfirmed <> 0 OR saved <> 0 OR requests <> 0 OR images <> 0 OR cached <> 0
  GROUP BY key_0
), dearest AS (
  SELECT name FROM each_asset WHERE name <> '' AND finals <> 0 ORDER BY spent DESC, {name} LIMIT :most
)
SELECT kind, '' AS name, COUNT(*) AS assets, SUM(images) AS images, SUM(spent) AS spent, SUM(drafts) AS drafts,
  SUM(CASE WHEN draft_images <> 0 THEN 1 ELSE 0 END) AS drafted
FROM (
  SELECT CASE WHEN name = '' THEN 'unnamed' WHEN finals <> 0 THEN 'finished' ELSE 'unfinished' END AS kind,
    images, spent, drafts, draft_images
  FROM each_asset
) AS kinds GROUP BY kind
UNION ALL
SELECT '', name, 0, 0, 0, 0, 0 FROM dearest;

-- name: made_again
-- How many requests something was made from which was charged or answered.
SELECT COUNT(DISTINCT q.parent) AS requests FROM requests AS q WHERE q.parent IS NOT NULL AND (
  EXISTS (
    SELECT 1 FROM entries AS e
    WHERE e.request = q.id AND e.kind IN ('settle', 'release', 'expire') AND (e.amount_nusd <> 0 OR e.images <> 0)
  ) OR EXISTS (
    SELECT 1 FROM entries AS e
    WHERE e.request = q.id AND e.kind IN ('adjust', 'cached') AND (e.amount_nusd <> 0 OR e.images <> 0)
  )
);
