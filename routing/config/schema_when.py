"""The shape of ``when``: what each field may be compared with. Long form, or a value, or a list of alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from routing.config import scalars
from routing.config.document import Exact, Whole
from routing.config.schema import Label, Money, Seconds, Share, Strict
from routing.core.quoted import SCRIPTS
from routing.core.request import TAGS_AT_MOST, Operation
from routing.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

OPERATIONS = tuple(operation.value for operation in Operation)

_ONE_OF = "The field must be one of these."
_NOT = "The field must be there and be none of these."


def _number(value: object) -> float:
    if not isinstance(value, Whole | Exact):
        raise scalars.Bad(f"{scalars.shown(value)} is no number", "write a number, or {at_least: ...}, {at_most: ...}")
    return int(value) if isinstance(value, Whole) else float(value)


def _size(value: object) -> str:
    return str(scalars.read_size(value))


def _operation(value: object) -> str:
    return _word(value, "operation", OPERATIONS)


def _script(value: object) -> str:
    return _word(value, "script that is told apart", SCRIPTS)


def _word(value: object, what: str, words: Sequence[str]) -> str:
    if value not in words:
        message = f"{scalars.shown(value)} is no {what}{did_you_mean(str(value), words)}"
        raise scalars.Bad(message, f"write {', '.join(words[:-1])} or {words[-1]}")
    return str(value)


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Number: TypeAlias = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
SizeText: TypeAlias = Annotated[
    str, PlainValidator(_size), WithJsonSchema({"type": "string", "pattern": scalars.SIZE_PATTERN})
]
OperationText: TypeAlias = Annotated[str, PlainValidator(_operation), WithJsonSchema({"enum": list(OPERATIONS)})]
ScriptText: TypeAlias = Annotated[str, PlainValidator(_script), WithJsonSchema({"enum": list(SCRIPTS)})]


class Comparison(Strict):
    """A value, a list of alternatives, or comparators; every comparator given must hold."""

    @model_validator(mode="before")
    @classmethod
    def _read_short_forms(cls, value: object) -> object:
        if isinstance(value, dict):
            if not value:
                raise scalars.Bad("this says nothing", f"write a value, or {', '.join(_words(cls))}")
            return value
        if "one_of" not in cls.model_fields:
            hint = f"write {' or '.join('{' + word + ': ...}' for word in _words(cls))}"
            raise scalars.Bad(f"{scalars.shown(value)} is not compared with anything", hint)
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


class Scripts(Comparison):
    """Scripts: one, a list of alternatives, or {not: ...}."""

    one_of: list[ScriptText] | None = Field(default=None, min_length=1, description=_ONE_OF)
    not_: Annotated[list[ScriptText] | None, BeforeValidator(_as_list)] = Field(
        default=None, min_length=1, alias="not", description=_NOT
    )


class Durations(Comparison):
    """Durations: {at_most: 30s}, {at_least: 6h}, or both."""

    at_least: Seconds | None = Field(default=None, description="The shortest.")
    at_most: Seconds | None = Field(default=None, description="The longest.")


class Shares(Comparison):
    """Shares: {at_least: 80%}, {at_most: 50%}, or both."""

    at_least: Share | None = Field(default=None, description="The share that must be reached.")
    at_most: Share | None = Field(default=None, description="The share that must not be passed.")


class Amounts(Comparison):
    """Amounts in USD: {at_most: 5}, {at_least: 100}, or both."""

    at_least: Money | None = Field(default=None, description="The least USD.")
    at_most: Money | None = Field(default=None, description="The most USD.")


class WhenEntry(Strict):
    """What a request must be for a rule to hold; all that is given must hold, and what is undefined never does."""

    importance: Words | None = Field(default=None, description="The importance named by the call.")
    importance_named: bool | None = Field(
        default=None, description="true where the call names an importance, false where the policy gives it one."
    )
    tags: dict[str, Words] | None = Field(
        default=None,
        min_length=1,
        max_length=TAGS_AT_MOST,
        description="The caller's tags: {kind: poster}, {kind: [poster, banner]}; * is any text: {campaign: spring-*}.",
    )
    operation: Operations | None = Field(default=None, description="generate or edit.")
    size: Sizes | None = Field(default=None, description="The size asked for, like 1536x1024.")
    megapixels: Numbers | None = Field(default=None, description="Megapixels asked for; 1024x1024 is 1.")
    n: Numbers | None = Field(default=None, description="How many pictures are asked for.")
    references: Numbers | None = Field(default=None, description="How many images come with the request.")
    prompt_chars: Numbers | None = Field(default=None, description="Characters of the prompt.")
    text_chars: Numbers | None = Field(
        default=None, description="Characters in quotation marks in the prompt: words that must be legible."
    )
    script: Scripts | None = Field(
        default=None,
        description="Writing of the words in quotation marks: latin where there is no other, else the other one. "
        "Chinese, Japanese and Korean are cjk.",
    )
    deadline: Durations | None = Field(default=None, description="How long the call waits: {at_most: 30s}.")
    budget_used: Shares | None = Field(
        default=None, description="Used share of the fullest budget that counts the request: {at_least: 80%}."
    )
    budget_left: Amounts | None = Field(
        default=None, description="USD left in the budget with the least left of those that count it: {at_most: 5}."
    )
