"""The shape of a catalog file of one's own: that of ``routing/catalog/*.yaml``, as far as others may write it."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema

from routing.config import scalars
from routing.config.schema import Count, DatedPrice, Day, Name, OperationWord, Pixels, Strict, TokenCount, Url
from routing.core.suggest import did_you_mean

MODEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$"
LIKE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}:[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$"

LIST_AT_MOST = 100
BOUNDS = {
    "multiple_of": 100_000,
    "edge_at_most": 100_000,
    "ratio_at_most": 100_000,
    "pixels_at_least": 1_000_000_000,
    "pixels_at_most": 1_000_000_000,
}
"""The bounds of free sizes, and the most each may be."""


def _model_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(MODEL_PATTERN, value):
        raise scalars.Bad(
            f"{scalars.shown(value)} is no name of a model", "write it as the vendor does, without spaces"
        )
    return value


def _like(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(LIKE_PATTERN, value):
        raise scalars.Bad(f"{scalars.shown(value)} names no model", "write vendor:model, like openai:gpt-image-2")
    return value


def _sizes(value: object) -> object:
    """Check the form; what it comes to is read with the rest of the model."""
    if isinstance(value, list) and 1 <= len(value) <= LIST_AT_MOST:
        return [scalars.read_size(size) for size in value]
    if not isinstance(value, dict):
        raise scalars.Bad("these are no sizes", f"write [1024x1024, ...], or bounds: {{{', '.join(BOUNDS)}}}")
    for key in value:
        if key not in BOUNDS:
            raise scalars.Bad(f"unknown bound {key!r}{did_you_mean(key, BOUNDS)}", f"known are {', '.join(BOUNDS)}")
    for key, most in BOUNDS.items():
        if key not in value:
            raise scalars.Bad(f"`{key}` is missing", f"bounds are {', '.join(BOUNDS)}, all of them")
        bound = value[key]
        if isinstance(bound, bool) or not isinstance(bound, int) or not 1 <= bound <= most:
            raise scalars.Bad(f"{key} is {scalars.shown(bound)}", f"write a whole number of pixels, at most {most:,}")
    return value


ModelName: TypeAlias = Annotated[
    str, PlainValidator(_model_name), WithJsonSchema({"type": "string", "pattern": MODEL_PATTERN})
]
Like: TypeAlias = Annotated[
    str,
    PlainValidator(_like),
    WithJsonSchema({"type": "string", "pattern": LIKE_PATTERN, "examples": ["openai:gpt-image-2"]}),
]
Sizes: TypeAlias = Annotated[
    object,
    PlainValidator(_sizes),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "string", "pattern": scalars.SIZE_PATTERN},
                    "minItems": 1,
                    "maxItems": LIST_AT_MOST,
                },
                {
                    "type": "object",
                    "properties": {
                        key: {"type": "integer", "minimum": 1, "maximum": most, "description": "In pixels."}
                        for key, most in BOUNDS.items()
                    },
                    "required": list(BOUNDS),
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
Words: TypeAlias = Annotated[list[str], Field(max_length=LIST_AT_MOST)]
Edge: TypeAlias = Annotated[int, Field(ge=1, le=100_000)]
Tokens: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000)]


class TokensEntry(Strict):
    """How a model that is billed by tokens counts them: `grid` or `steps` for what comes out of one picture."""

    grid: dict[str, Edge] | None = Field(
        default=None, min_length=1, description="Tokens along the longer side, by quality: the gpt-image formula."
    )
    steps: Annotated[
        list[Annotated[list[TokenCount], Field(min_length=2, max_length=2)]] | None, Field(min_length=1)
    ] = Field(default=None, description="[pixels at most, tokens], ascending: a fixed count up to an area.")
    reference_at_most: Tokens = Field(default=0, description="The most tokens that one reference counts.")
    reference_patch: Tokens = Field(default=0, description="Edge of the patch that a reference is usually counted by.")
    text_out_typical: Tokens = Field(default=0, description="Tokens of words and thoughts that usually come out.")
    text_out_at_most: Tokens = Field(default=0, description="The most of them.")


class RateEntry(DatedPrice):
    """A dated price; in USD, a picture or a million tokens."""

    sizes: list[Pixels] = Field(default_factory=list, description="Only for these sizes, at every quality.")


class EndEntry(Strict):
    """When a model is sold no more, and what to use instead."""

    on: Day = Field(description="The day.")
    substitute: str = Field(default="", description="The model to use instead.")


class TierEntry(Strict):
    """What the vendor lets an account of one tier do in a minute."""

    requests: Count | None = Field(default=None, description="Requests.")
    images: Count | None = Field(default=None, description="Images.")
    tokens: TokenCount | None = Field(default=None, description="Tokens.")


class ModelEntry(Strict):
    """What a model can do and what it costs; with `like`, only what differs."""

    like: Like | None = Field(default=None, description="Another model, as vendor:model, that it is like otherwise.")
    operations: Annotated[list[OperationWord] | None, Field(min_length=1)] = Field(
        default=None, description="[generate], or [generate, edit]."
    )
    sizes: Sizes | None = Field(
        default=None,
        description="A list of sizes, or bounds: {multiple_of, edge_at_most, ratio_at_most, pixels_at_least, "
        "pixels_at_most}.",
    )
    default_size: Pixels | None = Field(default=None, description="The size where nobody asks for one.")
    qualities: Words = Field(default_factory=list, description="Least first; none where there is no such choice.")
    default_quality: str | None = Field(default=None, description="The quality where nobody asks for one.")
    n: Annotated[int, Field(ge=1, le=10)] | None = Field(default=None, description="Pictures of one call at most.")
    prompt_chars: Count | None = Field(default=None, description="Characters of a prompt at most.")
    references: Annotated[int, Field(ge=0, le=16)] = Field(default=0, description="Reference images at most.")
    mask: bool = Field(default=False, description="Whether an edit may have a mask.")
    backgrounds: Words = Field(default_factory=list, description="Values of `background`.")
    output_formats: list[Literal["png", "jpeg", "webp"]] = Field(
        default_factory=list, description="Formats to ask for."
    )
    extras: dict[str, Words] = Field(
        default_factory=dict, description="Other parameters, each with its values; [] for any."
    )
    tokens: TokensEntry | None = Field(default=None, description="How tokens are counted, where it is billed by them.")
    batch: bool = Field(default=False, description="Whether the vendor's batch lane takes it.")
    price_map: str | None = Field(default=None, description="Its name in LiteLLM's price map, where that has it.")
    rates: list[RateEntry] = Field(default_factory=list, description="Dated prices, each with its source.")
    replaces: list[ModelName] = Field(default_factory=list, description="Retired models that mean this one today.")
    aliases: list[ModelName] = Field(default_factory=list, description="Other names of it.")
    wire: str | None = Field(default=None, min_length=1, description="The name it is called by; else its own.")
    shutdown: EndEntry | None = Field(default=None, description="When it will be sold no more.")
    unconfirmed: bool = Field(default=False, description="Announced only: a price of its own must be stated.")
    tiers: dict[str, TierEntry] = Field(default_factory=dict, description="Limits a minute by an account's tier.")
    source: str | None = Field(default=None, description="Where this stands.")


class CatalogFile(Strict):
    """Models of one vendor that the package does not know."""

    vendor: Name = Field(description="The vendor's name.")
    kinds: list[Literal["openai", "azure"]] = Field(
        min_length=1, description="How it is bought: openai for every vendor that speaks the Images API, or azure."
    )
    base_url: Url | None = Field(default=None, description="Its address, where that is not OpenAI's.")
    models: dict[ModelName, ModelEntry] = Field(min_length=1, description="What it sells, by the names of the models.")
    gone: dict[ModelName, EndEntry] = Field(default_factory=dict, description="What it sells no more.")
