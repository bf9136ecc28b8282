-- Seals over ranges of rows, and the files that old entries were moved to.

-- Each is an HMAC over its own columns, the rows it covers and the seal before it.
CREATE TABLE seals (
  id BIGINT PRIMARY KEY,
  covers TEXT NOT NULL CHECK (covers IN ('entries', 'raises')),
  first_seq BIGINT NOT NULL, -- entries.seq or raises.id
  last_seq BIGINT NOT NULL,
  rows_sealed BIGINT NOT NULL,
  at BIGINT NOT NULL,
  previous TEXT NOT NULL, -- the digest of the seal before it
  digest TEXT NOT NULL
);
CREATE TRIGGER seals_are_never_edited BEFORE UPDATE ON seals
FOR EACH ROW EXECUTE FUNCTION refuse('seals are never edited');
CREATE TRIGGER seals_are_never_deleted BEFORE DELETE ON seals
FOR EACH ROW EXECUTE FUNCTION refuse('seals are never deleted');
CREATE TRIGGER seals_are_never_emptied BEFORE TRUNCATE ON seals
FOR EACH STATEMENT EXECUTE FUNCTION refuse('seals are never deleted');

CREATE TABLE archives (
  id BIGINT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('claiming', 'writing', 'removing', 'done')),
  file TEXT NOT NULL, -- its name, without a folder
  until BIGINT NOT NULL, -- it holds requests made earlier
  upto_seq BIGINT NOT NULL, -- and no later entry
  at BIGINT NOT NULL,
  sealed SMALLINT NOT NULL, -- whether its entries stand under seals
  sha256 TEXT, -- this and the next: known once the file is written and was read back
  requests BIGINT,
  entries BIGINT,
  first_seq BIGINT,
  last_seq BIGINT,
  spent_nusd BIGINT,
  sums TEXT, -- a JSON object: what was spent by counters.id
  seal TEXT -- an HMAC over all this
);
CREATE TRIGGER archives_are_never_deleted BEFORE DELETE ON archives
FOR EACH ROW EXECUTE FUNCTION refuse('archives are never forgotten');
CREATE TRIGGER archives_are_never_emptied BEFORE TRUNCATE ON archives
FOR EACH STATEMENT EXECUTE FUNCTION refuse('archives are never forgotten');
CREATE TRIGGER archives_stay_as_they_were_written
BEFORE UPDATE OF
  id, file, until, upto_seq, at, sealed, sha256, requests, entries, first_seq, last_seq, spent_nusd, sums
ON archives FOR EACH ROW WHEN (OLD.state IN ('removing', 'done'))
EXECUTE FUNCTION refuse('what was written of an archive stays');
CREATE TRIGGER archives_are_sealed_once BEFORE UPDATE OF seal ON archives
FOR EACH ROW WHEN (OLD.seal IS NOT NULL) EXECUTE FUNCTION refuse('what was written of an archive stays');
CREATE TRIGGER archives_go_forward BEFORE UPDATE OF state ON archives
FOR EACH ROW
WHEN (OLD.state || '>' || NEW.state NOT IN ('claiming>writing', 'writing>removing', 'removing>done'))
EXECUTE FUNCTION refuse('an archive goes forward step by step');

-- What of `spend_sums` stands for entries that were moved: with the others it adds up.
CREATE TABLE archived_sums (
  rollup SMALLINT NOT NULL,
  start BIGINT NOT NULL,
  spend_group BIGINT NOT NULL,
  label BIGINT NOT NULL,
  asset TEXT NOT NULL,
  spent_nusd BIGINT NOT NULL,
  saved_nusd BIGINT NOT NULL,
  unconfirmed_nusd BIGINT NOT NULL,
  images BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  cached BIGINT NOT NULL,
  PRIMARY KEY (rollup, start, spend_group, label, asset)
);

-- archives.id, of a request whose entries were moved.
ALTER TABLE requests ADD COLUMN archive BIGINT;
CREATE INDEX archived_requests ON requests (archive, id) WHERE archive IS NOT NULL;

DROP TRIGGER requests_are_never_edited ON requests;
CREATE TRIGGER requests_are_never_edited
BEFORE UPDATE OF
  id, request_id, fingerprint, at, importance, named_importance, rule, policy, operation, asset, parent, tags,
  prompt_hash, prompt_chars, text_chars, n, reference_pictures, size, features, prompt
ON requests FOR EACH ROW EXECUTE FUNCTION refuse('requests are never edited');

CREATE FUNCTION refuse_unless_claiming() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.archive IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM archives AS a WHERE a.id = NEW.archive AND a.state = 'claiming')
  THEN
    RAISE EXCEPTION 'requests are archived once, by routing ledger archive';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER requests_are_archived_once BEFORE UPDATE OF archive ON requests
FOR EACH ROW EXECUTE FUNCTION refuse_unless_claiming();

CREATE FUNCTION refuse_unless_archived() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM requests AS q JOIN archives AS a ON a.id = q.archive
    WHERE q.id = OLD.request AND a.state = 'removing' AND OLD.seq <= a.upto_seq
  ) THEN
    RAISE EXCEPTION 'entries are never deleted: routing ledger archive moves old ones to a file';
  END IF;
  RETURN OLD;
END
$$;
DROP TRIGGER entries_are_never_deleted ON entries;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
FOR EACH ROW EXECUTE FUNCTION refuse_unless_archived();
