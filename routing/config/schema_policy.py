"""The shape of a policy file; the descriptions are the editors' hover texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from routing.config import scalars
from routing.config.schema import (
    Label,
    Labels,
    Money,
    Name,
    OnBudgetWord,
    OperationWord,
    Pixels,
    Seconds,
    Share,
    SomeMoney,
    Strict,
)
from routing.config.schema_when import WhenEntry  # noqa: TC001 - pydantic reads the annotations when it builds
from routing.core.picture import Size

REFUSALS = ("RequestError", "PromptRefused", "NoCandidate", "PriceCapExceeded", "PriceUnknown")
"""Errors that deciding ends with, as tests may name them."""


def _refused(value: object) -> bool | str:
    if isinstance(value, bool) or value in REFUSALS:
        return value if isinstance(value, bool) else str(value)
    raise scalars.Bad(f"{scalars.shown(value)} is no refusal", f"write true or {', '.join(REFUSALS)}")


Refused = Annotated[
    bool | str, PlainValidator(_refused), WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": list(REFUSALS)}]})
]


_SIZE_CAP = {
    "type": "object",
    "properties": {
        "at_most": {
            "type": "string",
            "pattern": scalars.MEGAPIXELS_PATTERN,
            "examples": ["1MP", "1.5MP"],
            "description": "The most pixels; 1MP are those of 1024x1024.",
        }
    },
    "required": ["at_most"],
    "additionalProperties": False,
}
SizeOrCap = Annotated[
    Size | int,
    PlainValidator(scalars.read_size_or_cap),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": scalars.SIZE_PATTERN}, _SIZE_CAP]}),
]


Phrase = Annotated[
    str, PlainValidator(scalars.read_phrase), WithJsonSchema({"type": ["string", "number"], "minLength": 1})
]
_VALUE = {"type": ["string", "number"]}
OptionValues = Annotated[
    tuple[str, ...],
    PlainValidator(scalars.read_option_values),
    WithJsonSchema({"anyOf": [_VALUE, {"type": "array", "items": _VALUE}]}),
]


class SortEntry(Strict):
    """A rule that gives a request its importance, or caps what a caller may ask for."""

    when: WhenEntry | None = Field(default=None, description="When it holds; without it, always (the default).")
    importance: Name | None = Field(default=None, description="Which importance the request gets.")
    at_most: Name | None = Field(default=None, description="The highest importance such a request may have.")


class RefuseEntry(Strict):
    """What is said no to before anything is reserved or sent; all that a rule says must hold."""

    words: list[Phrase] | None = Field(
        default=None,
        min_length=1,
        description="Words and phrases: one of them stands in the prompt, whole, whatever the case.",
    )
    missing: list[Phrase] | None = Field(
        default=None, min_length=1, description="Words and phrases: one of them does not stand in the prompt."
    )
    options: dict[str, OptionValues] | None = Field(
        default=None,
        min_length=1,
        description='Options of the call, each with its values: {reasoning: [force]}; [] or "*" for any value. One of '
        "them is given.",
    )
    importance: Labels | None = Field(
        default=None, description="Only requests that were sorted to one of these, after caps; without it, all."
    )
    when: WhenEntry | None = Field(default=None, description="Only requests of which this holds; without it, all.")
    because: str | None = Field(
        default=None, min_length=1, description="The reason in words, for whoever is refused: placeholder text."
    )


class AskEntry(Strict):
    """What a route asks of whichever deployment serves it; it goes before the caller's wish."""

    quality: str | None = Field(default=None, description="The quality: low, medium, high, ...")
    size: SizeOrCap | None = Field(
        default=None,
        description="The size, like 1024x1024, or {at_most: 1MP}: what is larger becomes as small, in the same shape.",
    )


class DegradeEntry(Strict):
    """What is done where nothing could be had; the result always says so."""

    use: list[Name] = Field(
        default_factory=list,
        description="Deployments to buy from then, in order: asked for what the route asks, as far as they know it.",
    )
    show: list[Literal["last", "placeholder"]] = Field(
        default_factory=list,
        description="What to show then without buying, in order. last: the asset's last picture that the cache still "
        "has. placeholder: a drawn one of the size that was asked for.",
    )


class RouteEntry(Strict):
    """What an importance buys; of several variants the first whose `when` holds."""

    when: WhenEntry | None = Field(default=None, description="When this variant holds; the last has none.")
    use: list[Name] = Field(min_length=1, description="The deployments to buy from, in order.")
    pick: Literal["first", "cheapest"] = Field(
        default="first",
        description="first: in the order of `use`. cheapest: the cheapest that can do the request goes first.",
    )
    ask: AskEntry | None = Field(default=None, description="Quality and size to ask for.")
    max_price: SomeMoney | None = Field(default=None, description="USD one request may cost at most, all pictures.")
    on_failure: list[Name] = Field(default_factory=list, description="Deployments to try after those of `use` failed.")
    on_budget: OnBudgetWord | None = Field(default=None, description="downgrade or refuse, for this route.")
    unknown: Literal["stop", "retry"] = Field(
        default="stop",
        description="What follows a call of which nobody knows whether it was charged (a timeout, a lost connection): "
        "stop, or retry, which risks paying again, each time within budgets and max_price.",
    )
    unsupported: Literal["refuse", "drop"] = Field(
        default="refuse",
        description="What becomes of an option (seed, background, ...) that a deployment does not know. refuse: the "
        "deployment is left out. drop: the option is left out for it, and the result says so.",
    )
    deadline: Seconds | None = Field(
        default=None, description="How long a request may take at most; a call may ask for less."
    )
    may_name: list[Name] | None = Field(
        default=None,
        description="The deployments a call may name; [] for none. Without it, those of `use` and `on_failure`.",
    )
    bad: Literal["deliver", "retry"] = Field(
        default="deliver",
        description="What is done with a bad picture (blank, too small, another format), which is paid for either way. "
        "deliver: it is delivered and told. retry: another is bought, and the bad one delivered if no good one came.",
    )
    degrade: DegradeEntry | None = Field(
        default=None, description="What is done where vendors failed or no budget had room, and nothing could be had."
    )
    draft: Literal["leave", "reference"] = Field(
        default="leave",
        description="Of a draft that is promoted. leave: its words are bought again. reference: its picture goes "
        "along, as the first reference of an edit.",
    )


class GivenEntry(Strict):
    """A request to try the policy with."""

    importance: str | None = Field(default=None, description="The importance named by the call.")
    tags: dict[str, Label] = Field(default_factory=dict, description="The request's tags.")
    prompt: str = Field(default="a picture", min_length=1, description="The prompt.")
    operation: OperationWord | None = Field(default=None, description="generate or edit; edit where references come.")
    size: Pixels | None = Field(default=None, description="The size asked for.")
    quality: str | None = Field(default=None, description="The quality asked for.")
    n: Annotated[int, Field(ge=1, le=10)] = Field(default=1, description="How many pictures.")
    references: Annotated[int, Field(ge=0, le=16)] = Field(default=0, description="How many images come with it.")
    options: dict[str, Label] = Field(
        default_factory=dict, description="What else the call asks for: {seed: 7, background: transparent}."
    )
    max_price: SomeMoney | None = Field(default=None, description="USD the call allows.")
    deadline: Seconds | None = Field(default=None, description="How long the call waits.")
    deployment: Name | None = Field(default=None, description="The deployment the call names.")
    budget_used: Share | None = Field(default=None, description="Used share of the fullest budget that counts it.")
    budget_left: Money | None = Field(default=None, description="USD left in the budget with the least left.")


class ExpectEntry(Strict):
    """What must come out; what is left out is not looked at."""

    importance: str | None = Field(default=None, description="The importance it gets.")
    use: str | None = Field(default=None, description="The deployment that is bought from first.")
    quality: str | None = Field(default=None, description="The quality that is bought.")
    size: Pixels | None = Field(default=None, description="The size that is bought.")
    rule: Label | None = Field(
        default=None, description='The rule that gave the importance: its line, or "named by the call".'
    )
    refused: Refused | None = Field(
        default=None, description="true where nothing may be bought, or the name of the error."
    )


class TestEntry(Strict):
    """A request and what must come out; every deployment is counted as having its key."""

    given: GivenEntry = Field(description="The request.")
    expect: ExpectEntry = Field(description="What must come out.")


class PolicyFile(Strict):
    """How much each request matters, and what that buys."""

    version: Literal[1] = Field(description="1, the version of this file's form.")
    tags: list[Label] | None = Field(
        default=None, min_length=1, description="The tag keys in use; any other, here or in a call, is then an error."
    )
    importance: list[Name] = Field(min_length=1, description="The importances, least first.")
    sort: list[SortEntry] = Field(
        min_length=1,
        description="How a request that names no importance gets one: the first rule that matches. The last, without "
        "`when`, is the default.",
    )
    refuse: list[RefuseEntry] = Field(
        default_factory=list,
        description="What is said no to before anything is reserved or sent; every rule is looked at.",
    )
    moderate: list[Name] = Field(
        default_factory=list,
        description="The importances whose prompts OpenAI's moderation looks at before anything is reserved; what it "
        "flags is refused. Reference images are not looked at.",
    )
    routes: dict[str, list[RouteEntry]] = Field(description="What each importance buys.")
    on_budget: OnBudgetWord = Field(default="downgrade", description="downgrade or refuse, where no route says.")
    tests: list[TestEntry] = Field(default_factory=list, description="Checked by `routing check`.")
