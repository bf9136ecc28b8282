"""Where the SQL of SQLite and PostgreSQL differs in what they otherwise share: JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a database reads and writes JSON; every field is a piece of SQL with gaps to fill.

    ``tag`` reads the tag that ``parameter`` names from ``tags``; ``rows`` makes a table ``r`` of one column, ``value``,
    from the JSON list in ``parameter``, ``number`` and ``text`` read from a list in it what stands at a ``place``;
    ``pack`` writes rows of ``columns`` as a JSON list of lists. ``each_tag`` makes a table ``t`` of ``key`` and
    ``value`` from the tags of a request, ``same_tags`` finds the label that has them.
    """

    tag: str
    rows: str
    number: str
    text: str
    pack: str
    each_tag: str
    same_tags: str


SQLITE = Dialect(
    tag="(SELECT value FROM json_each({tags}) WHERE key = :{parameter})",
    rows="json_each(:{parameter}) AS r",
    number="json_extract(r.value, '$[{place}]')",
    text="json_extract(r.value, '$[{place}]')",
    pack="CAST(json_group_array(json_array({columns})) AS TEXT)",
    each_tag="json_each(q.tags) AS t",
    same_tags="l.tags = q.tags",
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
)
