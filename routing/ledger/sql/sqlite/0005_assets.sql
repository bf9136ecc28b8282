-- The requests of an asset, newest first.
CREATE INDEX requests_by_asset ON requests (asset, id) WHERE asset IS NOT NULL;
