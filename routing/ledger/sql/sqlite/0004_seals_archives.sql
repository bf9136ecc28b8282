-- Seals over ranges of rows, and the files that old entries were moved to.

-- Each is an HMAC over its own columns, the rows it covers and the seal before it.
CREATE TABLE seals (
  id INTEGER PRIMARY KEY,
  covers TEXT NOT NULL CHECK (covers IN ('entries', 'raises')),
  first_seq INTEGER NOT NULL, -- entries.seq or raises.id
  last_seq INTEGER NOT NULL,
  rows_sealed INTEGER NOT NULL,
  at INTEGER NOT NULL,
  previous TEXT NOT NULL, -- the digest of the seal before it
  digest TEXT NOT NULL
) STRICT;
CREATE TRIGGER seals_are_never_edited BEFORE UPDATE ON seals BEGIN
  SELECT RAISE(ABORT, 'seals are never edited');
END;
CREATE TRIGGER seals_are_never_deleted BEFORE DELETE ON seals BEGIN
  SELECT RAISE(ABORT, 'seals are never deleted');
END;

CREATE TABLE archives (
  id INTEGER PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('claiming', 'writing', 'removing', 'done')),
  file TEXT NOT NULL, -- its name, without a folder
  until INTEGER NOT NULL, -- it holds requests made earlier
  upto_seq INTEGER NOT NULL, -- and no later entry
  at INTEGER NOT NULL,
  sealed INTEGER NOT NULL, -- whether its entries stand under seals
  sha256 TEXT, -- this and the next: known once the file is written and was read back
  requests INTEGER,
  entries INTEGER,
  first_seq INTEGER,
  last_seq INTEGER,
  spent_nusd INTEGER,
  sums TEXT, -- a JSON object: what was spent by counters.id
  seal TEXT -- an HMAC over all this
) STRICT;
CREATE TRIGGER archives_are_never_deleted BEFORE DELETE ON archives BEGIN
  SELECT RAISE(ABORT, 'archives are never forgotten');
END;
CREATE TRIGGER archives_stay_as_they_were_written
BEFORE UPDATE OF
  id, file, until, upto_seq, at, sealed, sha256, requests, entries, first_seq, last_seq, spent_nusd, sums
ON archives WHEN OLD.state IN ('removing', 'done') BEGIN
  SELECT RAISE(ABORT, 'what was written of an archive stays');
END;
CREATE TRIGGER archives_are_sealed_once BEFORE UPDATE OF seal ON archives WHEN OLD.seal IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'what was written of an archive stays');
END;
CREATE TRIGGER archives_go_forward BEFORE UPDATE OF state ON archives
WHEN OLD.state || '>' || NEW.state NOT IN ('claiming>writing', 'writing>removing', 'removing>done') BEGIN
  SELECT RAISE(ABORT, 'an archive goes forward step by step');
END;

-- What of `spend_sums` stands for entries that were moved: with the others it adds up.
CREATE TABLE archived_sums (
  rollup INTEGER NOT NULL,
  start INTEGER NOT NULL,
  spend_group INTEGER NOT NULL,
  label INTEGER NOT NULL,
  asset TEXT NOT NULL,
  spent_nusd INTEGER NOT NULL,
  saved_nusd INTEGER NOT NULL,
  unconfirmed_nusd INTEGER NOT NULL,
  images INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  PRIMARY KEY (rollup, start, spend_group, label, asset)
) STRICT, WITHOUT ROWID;

-- archives.id, of a request whose entries were moved.
ALTER TABLE requests ADD COLUMN archive INTEGER;
CREATE INDEX archived_requests ON requests (archive, id) WHERE archive IS NOT NULL;

DROP TRIGGER requests_are_never_edited;
CREATE TRIGGER requests_are_never_edited
BEFORE UPDATE OF
  id, request_id, fingerprint, at, importance, named_importance, rule, policy, operation, asset, parent, tags,
  prompt_hash, prompt_chars, text_chars, n, reference_pictures, size, features, prompt
ON requests BEGIN
  SELECT RAISE(ABORT, 'requests are never edited');
END;
CREATE TRIGGER requests_are_archived_once BEFORE UPDATE OF archive ON requests
WHEN OLD.archive IS NOT NULL
  OR NOT EXISTS (SELECT 1 FROM archives AS a WHERE a.id = NEW.archive AND a.state = 'claiming')
BEGIN
  SELECT RAISE(ABORT, 'requests are archived once, by routing ledger archive');
END;

DROP TRIGGER entries_are_never_deleted;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
WHEN NOT EXISTS (
  SELECT 1 FROM requests AS q JOIN archives AS a ON a.id = q.archive
  WHERE q.id = OLD.request AND a.state = 'removing' AND OLD.seq <= a.upto_seq
)
BEGIN
  SELECT RAISE(ABORT, 'entries are never deleted: routing ledger archive moves old ones to a file');
END;
