-- What reports read instead of every entry: sums by hour, day and month, folded from the entries after they were written.

-- Up to which entry all are folded: one row.
CREATE TABLE rollup_mark (rolled_seq BIGINT NOT NULL) WITH (fillfactor = 50);
INSERT INTO rollup_mark VALUES (0);

-- What spend is grouped by, each combination once; empty where a request had none.
CREATE TABLE spend_groups (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  importance TEXT NOT NULL,
  deployment TEXT NOT NULL,
  model TEXT NOT NULL,
  operation TEXT NOT NULL,
  rule TEXT NOT NULL,
  policy TEXT NOT NULL,
  size TEXT NOT NULL,
  quality TEXT NOT NULL
);

-- The tags of requests, each combination once, and each tag in them once.
CREATE TABLE spend_labels (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tags JSONB NOT NULL
);
-- All tags of a request together may be longer than what an index takes.
CREATE INDEX spend_labels_by_tags ON spend_labels (md5(CAST(tags AS TEXT)));
CREATE TABLE spend_tags (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (name, value)
);
CREATE TABLE tags_of_labels (
  label BIGINT NOT NULL, -- spend_labels.id
  tag BIGINT NOT NULL, -- spend_tags.id
  PRIMARY KEY (label, tag)
);

CREATE TABLE spend_sums (
  rollup SMALLINT NOT NULL, -- 1 hours, 2 months, 3 days by tag, 4 months by tag, 5 months by all tags, 6 months by asset
  start BIGINT NOT NULL, -- of the hour, day or month, in UTC
  spend_group BIGINT NOT NULL, -- spend_groups.id; 0 in 6
  label BIGINT NOT NULL, -- 0, or in 3 and 4 spend_tags.id, in 5 spend_labels.id
  asset TEXT NOT NULL, -- only in 6
  spent_nusd BIGINT NOT NULL,
  saved_nusd BIGINT NOT NULL,
  unconfirmed_nusd BIGINT NOT NULL,
  images BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  cached BIGINT NOT NULL,
  PRIMARY KEY (rollup, start, spend_group, label, asset)
) WITH (fillfactor = 70); -- the sums of the present hour, day and month change with every fold
