-- What reports read instead of every entry: sums by hour, day and month, folded from the entries after they were written.

-- Up to which entry all are folded: one row.
CREATE TABLE rollup_mark (rolled_seq INTEGER NOT NULL) STRICT;
INSERT INTO rollup_mark VALUES (0);

-- What spend is grouped by, each combination once; empty where a request had none.
CREATE TABLE spend_groups (
  id INTEGER PRIMARY KEY,
  importance TEXT NOT NULL,
  deployment TEXT NOT NULL,
  model TEXT NOT NULL,
  operation TEXT NOT NULL,
  rule TEXT NOT NULL,
  policy TEXT NOT NULL,
  size TEXT NOT NULL,
  quality TEXT NOT NULL
) STRICT;
CREATE INDEX spend_groups_by_name ON spend_groups (
  deployment, importance, model, operation, rule, policy, size, quality
);

-- The tags of requests, each combination once, and each tag in them once.
CREATE TABLE spend_labels (
  id INTEGER PRIMARY KEY,
  tags TEXT NOT NULL -- a JSON object
) STRICT;
CREATE INDEX spend_labels_by_tags ON spend_labels (tags);
CREATE TABLE spend_tags (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (name, value)
) STRICT;
CREATE TABLE tags_of_labels (
  label INTEGER NOT NULL, -- spend_labels.id
  tag INTEGER NOT NULL, -- spend_tags.id
  PRIMARY KEY (label, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE spend_sums (
  rollup INTEGER NOT NULL, -- 1 hours, 2 months, 3 days by tag, 4 months by tag, 5 months by all tags, 6 months by asset
  start INTEGER NOT NULL, -- of the hour, day or month, in UTC
  spend_group INTEGER NOT NULL, -- spend_groups.id; 0 in 6
  label INTEGER NOT NULL, -- 0, or in 3 and 4 spend_tags.id, in 5 spend_labels.id
  asset TEXT NOT NULL, -- only in 6
  spent_nusd INTEGER NOT NULL,
  saved_nusd INTEGER NOT NULL,
  unconfirmed_nusd INTEGER NOT NULL,
  images INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  PRIMARY KEY (rollup, start, spend_group, label, asset)
) STRICT, WITHOUT ROWID;
