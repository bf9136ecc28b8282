-- The same pictures answer a request once, however many callers ask for it at a time. Older ledgers may hold it twice.
CREATE TRIGGER an_answer_from_the_cache_is_written_once BEFORE INSERT ON entries WHEN NEW.kind = 'cached' BEGIN
  SELECT RAISE(ABORT, 'an answer from the cache is written once') FROM entries
  WHERE request = NEW.request AND kind IN ('adjust', 'cached') AND kind = 'cached' AND picture_key = NEW.picture_key;
END;
