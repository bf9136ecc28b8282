-- What seals cover, and seals: statements by name, in the SQL that all stores share.

-- name: whole_entries
-- Entries with all that a report reads of their requests; never the words of a prompt, which may be deleted.
SELECT e.*, q.request_id, q.fingerprint, q.at AS requested_at, q.importance, q.named_importance, q.rule, q.policy,
  q.operation, q.asset, q.parent, q.tags, q.prompt_hash, q.prompt_chars, q.text_chars, q.n, q.reference_pictures,
  q.size AS requested_size, q.features
FROM entries AS e LEFT JOIN requests AS q ON q.id = e.request
WHERE e.seq >= :first AND e.seq <= :last ORDER BY e.seq LIMIT :most;

-- name: whole_raises
SELECT * FROM raises WHERE id >= :first AND id <= :last ORDER BY id LIMIT :most;

-- name: seals_after
SELECT * FROM seals WHERE id > :id ORDER BY id LIMIT :most;

-- name: newest_seal
SELECT * FROM seals ORDER BY id DESC LIMIT 1;

-- name: to_seal
-- How far seals go, and how far there is something to seal.
SELECT
  (SELECT COALESCE(MAX(last_seq), 0) FROM seals WHERE covers = 'entries') AS entries_sealed,
  (SELECT COALESCE(MAX(seq), 0) FROM entries) AS entries_last,
  (SELECT COALESCE(MAX(last_seq), 0) FROM seals WHERE covers = 'raises') AS raises_sealed,
  (SELECT COALESCE(MAX(id), 0) FROM raises) AS raises_last;

-- name: insert_seal
INSERT INTO seals (id, covers, first_seq, last_seq, rows_sealed, at, previous, digest)
VALUES (:id, :covers, :first_seq, :last_seq, :rows_sealed, :at, :previous, :digest);
