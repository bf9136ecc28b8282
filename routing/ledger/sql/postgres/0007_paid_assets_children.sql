-- Sums of what requests cost by all that a price reads of them, assets told apart by importance and tags, and an index
-- that finds what was made from a request.

-- Everything is folded anew, after this and beside those who write; of what was archived the old sums stay. In those by
-- asset, `spend_group` is now the first group of the importance, and `label` names the tags.
DELETE FROM spend_sums;
INSERT INTO spend_sums SELECT * FROM archived_sums;
UPDATE rollup_mark SET rolled_seq = 0;
-- A router of an older version that is still running finds no mark, and folds nothing of what it does not know.
ALTER TABLE rollup_mark RENAME TO fold_mark;

-- 0: its entries were moved by a version that kept fewer sums.
ALTER TABLE archives ADD COLUMN all_sums SMALLINT NOT NULL DEFAULT 1;
UPDATE archives SET all_sums = 0 WHERE state IN ('removing', 'done');

-- What a price reads of a request, each combination once; blank where no picture came, or an old version wrote too little.
CREATE TABLE paid_shapes (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  importance TEXT NOT NULL,
  partial SMALLINT NOT NULL, -- whether an old version wrote too little
  operation TEXT NOT NULL,
  size TEXT NOT NULL, -- of the pictures that were delivered
  images BIGINT NOT NULL,
  prompt_chars BIGINT NOT NULL, -- this and the next: the least of some lengths that are folded together
  text_chars BIGINT NOT NULL,
  features TEXT NOT NULL -- a JSON object of the others
);
-- Features may be longer than what an index takes.
CREATE INDEX paid_shapes_by_name ON paid_shapes (
  importance, size, images, prompt_chars, text_chars, operation, partial, md5(features)
);

CREATE TABLE paid_sums (
  rollup SMALLINT NOT NULL, -- 1 hours, 2 months
  start BIGINT NOT NULL, -- of the hour or month in UTC that the requests were made in
  shape BIGINT NOT NULL, -- paid_shapes.id
  requests BIGINT NOT NULL, -- those that were charged or brought pictures
  prompt_tokens BIGINT NOT NULL,
  spent_nusd BIGINT NOT NULL,
  failed_nusd BIGINT NOT NULL, -- by attempts that brought no picture
  unconfirmed_nusd BIGINT NOT NULL,
  from_cache BIGINT NOT NULL, -- pictures
  saved_nusd BIGINT NOT NULL,
  PRIMARY KEY (rollup, start, shape)
) WITH (fillfactor = 70);

-- What of `paid_sums` stands for entries that were moved.
CREATE TABLE archived_paid_sums (
  rollup SMALLINT NOT NULL,
  start BIGINT NOT NULL,
  shape BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  prompt_tokens BIGINT NOT NULL,
  spent_nusd BIGINT NOT NULL,
  failed_nusd BIGINT NOT NULL,
  unconfirmed_nusd BIGINT NOT NULL,
  from_cache BIGINT NOT NULL,
  saved_nusd BIGINT NOT NULL,
  PRIMARY KEY (rollup, start, shape)
);

CREATE INDEX requests_by_parent ON requests (parent) WHERE parent IS NOT NULL;
