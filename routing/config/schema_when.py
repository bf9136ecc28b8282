"""The shape of ``when``: what each field may be compared with. Long form, or a value, or a list of alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from routing.config import scalars
from routing.config.document import Exact, Whole
from routing.config.schema import Label, Strict
from routing.core.request import Operation
from routing.core.suggest import did_you_mean

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

_ONE_OF = "The field must be one of these."
_NOT = "The field must be there and be none of these."


def _number(value: object) -> float:
    if not isinstance(value, Whole | Exact):
        raise scalars.Bad(f"{scalars.shown(value)} is no number", "write a number, or {at_least: ...}, {at_most: ...}")
    return int(value) if isinstance(value, Whole) else float(value)


def _size(value: object) -> str:
    return str(scalars.read_size(value))


def _operation(value: object) -> str:
    words = [operation.value for operation in Operation]
    if value not in words:
        message = f"{scalars.shown(value)} is no operation{did_you_mean(str(value), words)}"
        raise scalars.Bad(message, f"write {' or '.join(words)}")
    return str(value)


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Number: TypeAlias = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
SizeText: TypeAlias = Annotated[
    str, PlainValidator(_size), WithJsonSchema({"type": "string", "pattern": scalars.SIZE_PATTERN})
]
OperationText: TypeAlias = Annotated[
    str, PlainValidator(_operation), WithJsonSchema({"enum": [operation.value for operation in Operation]})
]


class Comparison(Strict):
    """A value, a list of alternatives, or comparators; every comparator given must hold."""

    @model_validator(mode="before")
    @classmethod
    def _read_short_forms(cls, value: object) -> object:
        if isinstance(value, dict):
            if not value:
                raise scalars.Bad("this says nothing", f"write a value, or {', '.join(_words(cls))}")
            return value
        return {"one_of": _as_list(value)}

    @classmethod
    def __get_pydantic_json_schema__(
        cls,
        core: Any,  # noqa: ANN401 - its type lives in pydantic_core
        handler: GetJsonSchemaHandler,
    ) -> JsonSchemaValue:
        """Tell editors of the short forms too."""
        long = handler.resolve_ref_schema(handler(core))
        if "one_of" not in long["properties"]:
            return long
        alternatives = long["properties"]["one_of"]["anyOf"][0]
        value = alternatives["items"]
        long["properties"]["not"]["anyOf"] = [value, alternatives]
        return {"description": long.get("description", ""), "anyOf": [value, alternatives, long]}


def _words(model: type[Strict]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


class Words(Comparison):
    """Text: a value, a list of alternatives, or {not: ...}."""

    one_of: list[Label] | None = Field(default=None, min_length=1, description=_ONE_OF)
    not_: Annotated[list[Label] | None, BeforeValidator(_as_list)] = Field(
        default=None, min_length=1, alias="not", description=_NOT
    )


class Sizes(Comparison):
    """Sizes like 1024x1024: one, a list of alternatives, or {not: ...}."""

    one_of: list[SizeText] | None = Field(default=None, min_length=1, description=_ONE_OF)
    not_: Annotated[list[SizeText] | None, BeforeValidator(_as_list)] = Field(
        default=None, min_length=1, alias="not", description=_NOT
    )


class Operations(Comparison):
    """Operations, generate or edit: one, or {not: ...}."""

    one_of: list[OperationText] | None = Field(default=None, min_length=1, description=_ONE_OF)
    not_: Annotated[list[OperationText] | None, BeforeValidator(_as_list)] = Field(
        default=None, min_length=1, alias="not", description=_NOT
    )


class Numbers(Comparison):
    """Numbers: one, a list of alternatives, {at_least: ...}, {at_most: ...}, {not: ...}, or several of these."""

    at_least: Number | None = Field(default=None, description="A number the field must reach.")
    at_most: Number | None = Field(default=None, description="A number the field must not pass.")
    one_of: list[Number] | None = Field(default=None, min_length=1, description=_ONE_OF)
    not_: Annotated[list[Number] | None, BeforeValidator(_as_list)] = Field(
        default=None, min_length=1, alias="not", description=_NOT
    )


class WhenEntry(Strict):
    """What a request must be for a rule to hold; all that is given must hold, and what is undefined never does."""

    importance: Words | None = Field(default=None, description="The importance named by the call.")
    tags: dict[str, Words] | None = Field(
        default=None, min_length=1, description="The caller's tags: {kind: poster}, {kind: [poster, banner]}."
    )
    operation: Operations | None = Field(default=None, description="generate or edit.")
    size: Sizes | None = Field(default=None, description="The size asked for, like 1536x1024.")
    megapixels: Numbers | None = Field(default=None, description="Millions of pixels asked for.")
    n: Numbers | None = Field(default=None, description="How many pictures are asked for.")
    references: Numbers | None = Field(default=None, description="How many images come with the request.")
    prompt_chars: Numbers | None = Field(default=None, description="Characters of the prompt.")
    text_chars: Numbers | None = Field(
        default=None, description="Characters in double quotes in the prompt: words that must be legible."
    )
