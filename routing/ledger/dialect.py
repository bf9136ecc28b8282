"""Where the SQL of SQLite and PostgreSQL differs in what they otherwise share: JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a database reads and writes JSON; every field is a piece of SQL with gaps to fill.

    ``tag`` reads the tag that ``parameter`` names from ``tags``; ``rows`` makes a table ``r`` of one column, ``value``,
    from the JSON list in ``parameter``, ``number`` and ``text`` read from a list in it what stands at a ``place``;
    ``pack`` writes rows of ``columns`` as a JSON list of lists. ``each_tag`` makes a table ``t`` of ``key`` and
    ``value`` from the tags of a request, ``same_tags`` finds the label that has them. ``shape`` takes from the features
    of a request what no price reads or what is known otherwise, ``same_features`` compares what is left. ``by_key``
    keeps the transaction from reading whole tables for a few thousand rows, ``plan_once`` from planning each of many
    questions that are worded alike; both are empty where that need not be said. ``by_bytes`` orders texts by their
    characters' numbers.
    """

    tag: str
    rows: str
    number: str
    text: str
    pack: str
    each_tag: str
    same_tags: str
    shape: str
    same_features: str
    by_key: str
    plan_once: str
    by_bytes: str


_NOT_OF_SHAPE = ("prompt_bytes", "quality", "deployment", "max_price_nusd", "deadline_s")
_PATHS = ", ".join(f"'$.{name}'" for name in _NOT_OF_SHAPE)


SQLITE = Dialect(
    tag="(SELECT value FROM json_each({tags}) WHERE key = :{parameter})",
    rows="json_each(:{parameter}) AS r",
    number="json_extract(r.value, '$[{place}]')",
    text="json_extract(r.value, '$[{place}]')",
    pack="CAST(json_group_array(json_array({columns})) AS TEXT)",
    each_tag="json_each(q.tags) AS t",
    same_tags="l.tags = q.tags",
    # What a function of JSON returns would go into a list as JSON, a text does not.
    shape=f"'' || json_remove(q.features, {_PATHS})",
    same_features="s.features = c.features",
    by_key="",
    plan_once="",
    by_bytes="",
)

POSTGRES = Dialect(
    tag="{tags} ->> CAST(:{parameter} AS TEXT)",
    rows="json_array_elements(CAST(:{parameter} AS JSON)) AS r (value)",
    number="CAST(r.value ->> {place} AS BIGINT)",
    text="r.value ->> {place}",
    pack="CAST(json_agg(json_build_array({columns})) AS TEXT)",
    each_tag="LATERAL jsonb_each_text(q.tags) AS t (key, value)",
    # The index is over a digest, which tags of any length have.
    same_tags="md5(CAST(l.tags AS TEXT)) = md5(CAST(q.tags AS TEXT)) AND l.tags = q.tags",
    # JSONB has no such character; a request that has it keeps all it has.
    shape=(
        r"CASE WHEN strpos(q.features, '\u0000') > 0 THEN q.features"
        f" ELSE CAST(CAST(q.features AS JSONB) - CAST('{{{','.join(_NOT_OF_SHAPE)}}}' AS TEXT[]) AS TEXT) END"
    ),
    same_features="md5(s.features) = md5(c.features) AND s.features = c.features",
    by_key=(
        "SELECT set_config('enable_seqscan', 'off', TRUE), set_config('enable_hashjoin', 'off', TRUE),"
        " set_config('enable_mergejoin', 'off', TRUE)"
    ),
    plan_once="SELECT set_config('plan_cache_mode', 'force_generic_plan', TRUE)",
    by_bytes=' COLLATE "C"',
)
