-- Moving old entries to a file: statements by name, in the SQL that all stores share.

-- name: archives
SELECT * FROM archives ORDER BY id;

-- name: archive
SELECT * FROM archives WHERE id = :id;

-- name: unfinished_archive
SELECT * FROM archives WHERE state <> 'done' ORDER BY id LIMIT 1;

-- name: insert_archive
INSERT INTO archives (id, state, file, until, upto_seq, at, sealed)
VALUES (:id, 'claiming', :file, :until, :upto_seq, :at, :sealed);

-- name: rename_archive
UPDATE archives SET file = :file WHERE id = :id;

-- name: advance_archive
UPDATE archives SET state = :state WHERE id = :id;

-- name: describe_archive
UPDATE archives SET sha256 = :sha256, requests = :requests, entries = :entries, first_seq = :first_seq,
  last_seq = :last_seq, spent_nusd = :spent_nusd, sums = :sums, seal = :seal
WHERE id = :id;

-- name: seal_archive
UPDATE archives SET seal = :seal WHERE id = :id;

-- name: requests_to_claim
-- Requests of which everything is over: no attempt open, none in doubt, no entry since. Each kind by its own index.
-- {chosen} narrows it to some of them.
SELECT q.id, q.at FROM requests AS q
WHERE (q.at, q.id) > (:at, :id) AND q.at < :until AND q.archive IS NULL {chosen}
  AND NOT EXISTS (
    SELECT 1 FROM entries AS r
    WHERE r.request = q.id AND r.kind = 'reserve' AND (r.at >= :until OR r.seq > :upto_seq OR NOT EXISTS (
      SELECT 1 FROM entries AS e
      WHERE e.request = r.request AND e.attempt = r.attempt AND e.kind IN ('settle', 'release', 'expire')
    ))
  )
  AND NOT EXISTS (
    SELECT 1 FROM entries AS e
    WHERE e.request = q.id AND e.kind IN ('settle', 'release', 'expire')
      AND (e.at >= :until OR e.seq > :upto_seq OR (e.unconfirmed = 1 AND NOT EXISTS (
        SELECT 1 FROM entries AS a
        WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached') AND a.seq > e.seq
      )))
  )
  AND NOT EXISTS (
    SELECT 1 FROM entries AS e
    WHERE e.request = q.id AND e.kind IN ('adjust', 'cached')
      AND (e.at >= :until OR e.seq > :upto_seq OR (e.unconfirmed = 1 AND NOT EXISTS (
        SELECT 1 FROM entries AS a
        WHERE a.request = e.request AND a.attempt = e.attempt AND a.kind IN ('adjust', 'cached') AND a.seq > e.seq
      )))
  )
ORDER BY q.at, q.id LIMIT :most;

-- name: claim_requests
UPDATE requests SET archive = :archive WHERE id IN ({ids});

-- name: entries_to_archive
-- In the order of their numbers: the left table is walked, the right one looked up.
SELECT e.*, q.request_id, q.fingerprint, q.at AS requested_at, q.importance, q.named_importance, q.rule, q.policy,
  q.operation, q.asset, q.parent, q.tags, q.prompt_hash, q.prompt_chars, q.text_chars, q.n, q.reference_pictures,
  q.size AS requested_size, q.features
FROM entries AS e CROSS JOIN requests AS q
WHERE e.seq > :seq AND e.seq <= :upto_seq AND q.id = e.request AND q.archive = :archive
ORDER BY e.seq LIMIT :most;

-- name: claimed_requests
SELECT COUNT(*) AS requests FROM requests WHERE archive = :archive;

-- name: claimed_charges
-- What the entries of an archive that are still here have spent, by the list of counters their reserves count in.
SELECT r.counters, SUM(e.amount_nusd) AS spent FROM entries AS e
JOIN entries AS r ON r.request = e.request AND r.attempt = e.attempt AND r.kind = 'reserve'
WHERE e.request IN (SELECT id FROM requests WHERE archive = :archive) AND e.kind IN ('settle', 'release', 'expire')
GROUP BY r.counters
UNION ALL
SELECT r.counters, SUM(e.amount_nusd) AS spent FROM entries AS e
JOIN entries AS r ON r.request = e.request AND r.attempt = e.attempt AND r.kind = 'reserve'
WHERE e.request IN (SELECT id FROM requests WHERE archive = :archive) AND e.kind IN ('adjust', 'cached')
GROUP BY r.counters;

-- name: claimed_entries
SELECT
  (SELECT COUNT(*) FROM entries WHERE kind = 'reserve'
    AND request IN (SELECT id FROM requests WHERE archive = :archive))
  + (SELECT COUNT(*) FROM entries WHERE kind IN ('settle', 'release', 'expire')
    AND request IN (SELECT id FROM requests WHERE archive = :archive))
  + (SELECT COUNT(*) FROM entries WHERE kind IN ('adjust', 'cached')
    AND request IN (SELECT id FROM requests WHERE archive = :archive)) AS entries;

-- name: requests_to_empty
SELECT id FROM requests WHERE archive = :archive AND id > :id ORDER BY id LIMIT :most;

-- name: entries_to_remove
-- Those that reports have sums of; part of a statement.
SELECT seq FROM entries WHERE kind IN ('settle', 'release', 'expire')
  AND request IN (SELECT id FROM requests WHERE archive = :archive AND id >= :first AND id <= :until)
UNION ALL
SELECT seq FROM entries WHERE kind IN ('adjust', 'cached')
  AND request IN (SELECT id FROM requests WHERE archive = :archive AND id >= :first AND id <= :until)

-- name: extent_to_remove
SELECT MIN(at) AS first_at, MAX(at) AS last_at FROM entries WHERE seq IN ({seqs});

-- name: remove_reserves
DELETE FROM entries WHERE kind = 'reserve'
  AND request IN (SELECT id FROM requests WHERE archive = :archive AND id >= :first AND id <= :until);

-- name: remove_resolutions
DELETE FROM entries WHERE kind IN ('settle', 'release', 'expire')
  AND request IN (SELECT id FROM requests WHERE archive = :archive AND id >= :first AND id <= :until);

-- name: remove_later_entries
DELETE FROM entries WHERE kind IN ('adjust', 'cached')
  AND request IN (SELECT id FROM requests WHERE archive = :archive AND id >= :first AND id <= :until);

-- name: archive_bounds
SELECT
  (SELECT COALESCE(MAX(seq), 0) FROM entries) AS last_seq,
  (SELECT rolled_seq FROM fold_mark) AS rolled_seq,
  (SELECT COALESCE(MAX(last_seq), 0) FROM seals WHERE covers = 'entries') AS sealed_seq;
