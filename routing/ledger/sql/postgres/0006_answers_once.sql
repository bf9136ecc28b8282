-- The same pictures answer a request once, however many callers ask for it at a time. Older ledgers may hold it twice.
CREATE FUNCTION refuse_second_answer() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM entries
    WHERE request = NEW.request AND kind IN ('adjust', 'cached') AND kind = 'cached' AND picture_key = NEW.picture_key
  ) THEN
    RAISE EXCEPTION 'an answer from the cache is written once';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER an_answer_from_the_cache_is_written_once BEFORE INSERT ON entries
FOR EACH ROW WHEN (NEW.kind = 'cached') EXECUTE FUNCTION refuse_second_answer();
