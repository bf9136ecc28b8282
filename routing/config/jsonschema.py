"""The JSON Schemas of the files, for editors: ``python -m routing.config.jsonschema`` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routing.config.catalog import packaged_catalog
from routing.config.schema import RouterFile
from routing.config.schema_catalog import CatalogFile
from routing.config.schema_policy import PolicyFile

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parent / "schema"
SCHEMAS: dict[str, type[BaseModel]] = {
    "router.schema.json": RouterFile,
    "policy.schema.json": PolicyFile,
    "catalog.schema.json": CatalogFile,
}


def schema_text(model: type[BaseModel]) -> str:
    """Make the schema of one file, as it is checked in."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_tidy(model.model_json_schema(by_alias=True)),
    }
    for entry in schema["$defs"].values():
        _offer_what_is_known(entry.get("properties", {}))
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _offer_what_is_known(properties: dict[str, Any]) -> None:
    """Let editors complete what the catalog has, without marking what only a later one knows."""
    models = list(packaged_catalog())
    qualities = dict.fromkeys(quality for known in models for quality in known.model.qualities)
    for key, known in (("model", packaged_catalog().names()), ("quality", list(qualities))):
        field = properties.get(key)
        if field and field.get("type") == "string":
            del field["type"]
            field["anyOf"] = [{"enum": sorted(known)}, {"type": "string"}]


def _tidy(value: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Say what the files may hold: a key is there with a value or left out, never null; names need no second title."""
    if isinstance(value, list):
        return [_tidy(each) for each in value]
    if not isinstance(value, dict):
        return value
    tidy = {key: _tidy(each) for key, each in value.items() if not (key == "title" and isinstance(each, str))}
    text_only = tidy.get("type") == "string"  # a duration's default is a number of seconds, but nobody may write that
    if "default" in tidy and (tidy["default"] is None or (text_only and not isinstance(tidy["default"], str))):
        del tidy["default"]
    kinds = [kind for kind in tidy.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del tidy["anyOf"]
        return {**kinds[0], **tidy}
    return {**tidy, "anyOf": kinds} if kinds else tidy


def write() -> None:
    """Write every schema."""
    for name, model in SCHEMAS.items():
        (FOLDER / name).write_text(schema_text(model), encoding="utf-8")


if __name__ == "__main__":
    write()
