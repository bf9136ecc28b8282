"""The shape of ``router.yaml``, and what both files are made of; the descriptions are the editors' hover texts."""

from __future__ import annotations

from datetime import date, tzinfo
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from routing.config import scalars
from routing.core.picture import Size
from routing.core.prices import TOKEN_KINDS, Unit
from routing.core.window import Window, WindowKind


class Strict(BaseModel):
    """What every mapping of the files has in common: no key but the known ones, no value of another kind."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        defer_build=True,
        populate_by_name=True,
        use_attribute_docstrings=False,
    )


def _text(pattern: str, *examples: str, numbers: bool = False) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "pattern": pattern}
    if examples:
        schema["examples"] = list(examples)
    return WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, schema]} if numbers else schema)


_MONEY = _text(scalars.MONEY_PATTERN, "0.05", numbers=True)
Name: TypeAlias = Annotated[str, PlainValidator(scalars.read_name), _text(scalars.NAME_PATTERN)]
EnvName: TypeAlias = Annotated[str, PlainValidator(scalars.read_env_name), _text(scalars.ENV_PATTERN)]
Url: TypeAlias = Annotated[
    str, PlainValidator(scalars.read_url), WithJsonSchema({"type": "string", "pattern": "^https?://"})
]
Money: TypeAlias = Annotated[int, PlainValidator(scalars.read_money), _MONEY]
SomeMoney: TypeAlias = Annotated[int, PlainValidator(scalars.read_some_money), _MONEY]
Price: TypeAlias = Annotated[int, PlainValidator(scalars.read_price), _MONEY]
Seconds: TypeAlias = Annotated[
    float, PlainValidator(scalars.read_seconds), _text(scalars.DURATION_PATTERN, "120s", "15m", "30d")
]
Bytes: TypeAlias = Annotated[int, PlainValidator(scalars.read_bytes), _text(scalars.BYTES_PATTERN, "5GB")]
Share: TypeAlias = Annotated[Fraction, PlainValidator(scalars.read_share), _text(scalars.PERCENT_PATTERN, "40%")]
Threshold: TypeAlias = Annotated[
    Fraction | int,
    PlainValidator(scalars.read_threshold),
    _text(r"^\d+(\.\d+)?%?$", "80%", numbers=True),
]
Day: TypeAlias = Annotated[date, PlainValidator(scalars.read_day), _text(scalars.DATE_PATTERN, "2026-09-01")]
Pixels: TypeAlias = Annotated[Size, PlainValidator(scalars.read_size), _text(scalars.SIZE_PATTERN, "1536x1024")]
BudgetWindow: TypeAlias = Annotated[
    Window,
    PlainValidator(scalars.read_window),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [kind.value for kind in WindowKind if kind is not WindowKind.ROLLING]},
                {"type": "string", "pattern": scalars.ROLLING_PATTERN, "examples": ["rolling 24h", "rolling 7d"]},
            ]
        }
    ),
]
Zone: TypeAlias = Annotated[
    tzinfo, PlainValidator(scalars.read_zone), WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/Berlin"]})
]
_LABEL: dict[str, Any] = {"type": ["string", "number"]}
Label: TypeAlias = Annotated[str, PlainValidator(scalars.read_label), WithJsonSchema(_LABEL)]
Labels: TypeAlias = Annotated[
    tuple[str, ...],
    PlainValidator(scalars.read_labels),
    WithJsonSchema({"anyOf": [_LABEL, {"type": "array", "items": _LABEL, "minItems": 1}]}),
]
Count: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]
TokenCount: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000)]
Tier: TypeAlias = Annotated[
    str, PlainValidator(scalars.read_tier), WithJsonSchema({"enum": ["free", 1, 2, 3, 4, 5, "enterprise"]})
]
OnBudgetWord: TypeAlias = Literal["downgrade", "refuse"]
OperationWord: TypeAlias = Literal["generate", "edit"]
AlertWord: TypeAlias = Literal["threshold", "forecast", "unconfirmed", "overrun", "action"]

_ON_BUDGET = "What to do when a budget has no room: downgrade (try the next candidate) or refuse."


class ProviderEntry(Strict):
    """A vendor account and how it is reached."""

    kind: Literal["openai", "azure", "litellm"] = Field(
        description="openai (OpenAI and every base that speaks its Images API), azure, or "
        "litellm (Gemini, fal and the others)."
    )
    api_key_env: EnvName = Field(
        examples=["OPENAI_API_KEY"],
        description="Which environment variable holds the key. The key itself never stands in this file.",
    )
    base_url: Url | None = Field(default=None, description="A fixed base address instead of the vendor's own.")
    base_url_env: EnvName | None = Field(
        default=None,
        examples=["OPENAI_BASE_URL"],
        description="Environment variable that may hold a base address; else base_url or the vendor's own.",
    )
    timeout: Seconds = Field(
        default=360.0,
        description="Longest one call may take. Large pictures at high quality take minutes, so be generous.",
    )
    api_version: str | None = Field(default=None, description="Azure only: the api-version of its dated API.")
    tier: Tier | None = Field(
        default=None, description="The account's tier, short for the catalog's limits a minute of each model."
    )


class DeploymentEntry(Strict):
    """One named thing we can buy from."""

    provider: Name = Field(description="Through which of the providers above it is bought.")
    model: str = Field(description="Which model it is, by its name in the catalog.", examples=["gpt-image-2"])
    wire_model: str | None = Field(
        default=None,
        description="The name the provider knows it by, where that is not the model's: the deployment's name on Azure.",
    )
    quality: str | None = Field(default=None, description="Quality where neither route nor caller say one.")
    size: Pixels | None = Field(default=None, description="Size where neither route nor caller say one.")
    timeout: Seconds | None = Field(default=None, description="Longest one call may take; else the provider's.")
    images_per_minute: Count | None = Field(
        default=None, description="The account's limit of pictures a minute; purchases wait for room in it."
    )
    requests_per_minute: Count | None = Field(
        default=None, description="The account's limit of calls a minute; purchases wait for room in it."
    )
    tokens_per_minute: TokenCount | None = Field(
        default=None, description="The account's limit of tokens a minute; purchases wait for room in it."
    )
    tier: Tier | None = Field(
        default=None,
        description="The account's tier, short for the catalog's limits of it; else the provider's. Limits written "
        "above win.",
    )


class DatedPrice(Strict):
    """A price from a day on; in USD, a picture or a million tokens."""

    since: Day = Field(description="First day it holds. Older prices stay, so that past spend stays explained.")
    per_image: Price | None = Field(default=None, description="USD a picture; replaces prices by tokens.")
    text_in: Money | None = Field(default=None, description="USD a million tokens of prompt.")
    text_cached_in: Money | None = Field(default=None, description="USD a million cached tokens of prompt.")
    image_in: Money | None = Field(default=None, description="USD a million tokens of reference images.")
    image_cached_in: Money | None = Field(default=None, description="USD a million cached tokens of references.")
    text_out: Money | None = Field(default=None, description="USD a million tokens of words and thoughts.")
    image_out: Money | None = Field(default=None, description="USD a million tokens of pictures.")
    source: str = Field(min_length=1, description="Where the price stands: a contract, an offer, a page.")

    def by_tokens(self) -> dict[Unit, int]:
        """Give the prices of tokens that are stated, in nano-USD a million."""
        stated = {unit: getattr(self, name) for unit, name in TOKEN_KINDS}
        return {unit: price for unit, price in stated.items() if price is not None}


class _OfDeployment(Strict):
    deployment: Name = Field(description="Which deployment it is the price of.")


class PriceEntry(DatedPrice, _OfDeployment):  # messages and editors name the last base's keys first: `deployment`
    """What was negotiated for one deployment from a day on; in USD, a picture or a million tokens."""


class MatchEntry(Strict):
    """Which purchases a budget counts; what is left out matches all."""

    importance: Labels | None = Field(default=None, description="Only requests of these importances.")
    deployment: Labels | None = Field(default=None, description="Only what is bought from these deployments.")
    operation: Annotated[list[OperationWord] | None, Field(min_length=1)] = Field(
        default=None, description="Only [generate], or only [edit]."
    )
    tags: dict[str, Labels] | None = Field(
        default=None,
        min_length=1,
        description="Only requests with these tags: {kind: poster}, {kind: [poster, banner]}.",
    )


class BudgetEntry(Strict):
    """A limit on what is held and spent in a window."""

    limit: SomeMoney = Field(description="The limit in USD. It is never passed by a reservation.")
    window: BudgetWindow = Field(
        description="How long the limit counts: a calendar window that starts afresh, lifetime, or rolling over so "
        "many hours or days (rolling 24h, rolling 7d), where room comes back bit by bit."
    )
    zone: Zone = Field(default_factory=lambda: scalars.read_zone("UTC"), description="Time zone the window is cut in.")
    per: str | None = Field(default=None, description="A tag: each of its values gets a limit of its own.")
    match: MatchEntry | None = Field(default=None, description="Which purchases count; without it, all do.")
    on_budget: OnBudgetWord | None = Field(default=None, description=_ON_BUDGET)
    alert_at: list[Threshold] = Field(
        default_factory=list, description="Alert once at each of these: shares of the limit (80%) or amounts in USD."
    )
    protect: dict[str, Share] = Field(
        default_factory=dict, description="Importance -> share of the limit that less important requests cannot use."
    )
    forecast: bool = Field(
        default=False,
        description="Alert as soon as the limit would be passed before the window ends, at its rate so far.",
    )


class LedgerEntry(Strict):
    """Where money is written down."""

    url: str | None = Field(
        default=None,
        description="sqlite:///file (relative to this file), sqlite:////absolute/file, postgresql://user@host/database "
        "(for many machines; no password here), or memory://. Else sqlite:///spend.db.",
    )
    url_env: EnvName | None = Field(
        default=None,
        examples=["LEDGER_URL"],
        description="Environment variable that holds the whole url, its password with it; where it is not set, url.",
    )
    seal_key_env: EnvName | None = Field(
        default=None,
        examples=["SEAL_KEY"],
        description="Environment variable that holds a key of 16 characters or more; with it `routing ledger verify` "
        "seals entries, so that an edited or deleted one is found.",
    )
    hold_for: Seconds = Field(default=900.0, description="How long a reservation waits for its call to end.")
    on_expiry: Literal["settle", "release"] = Field(
        default="settle",
        description="What becomes of a reservation whose process died: settle (charged, unconfirmed) or release.",
    )
    keep_prompts: bool = Field(
        default=False, description="Whether the words of prompts are kept too; else only their hash and length."
    )


class LimitsEntry(Strict):
    """Where processes and machines share the account's limits a minute."""

    url: str | None = Field(
        default=None,
        description="redis://host:6379/0 (Redis or Valkey; no password here), rediss:// (encrypted), unix:///socket, "
        "or memory:// (each process for itself).",
    )
    url_env: EnvName | None = Field(
        default=None,
        examples=["LIMITS_URL", "REDIS_URL"],
        description="Environment variable that holds the whole url, its password with it; where it is not set, url.",
    )


class ModerationEntry(Strict):
    """Who looks at prompts, where the policy has some looked at before anything is reserved."""

    provider: Name = Field(
        description="Which of the providers above, one of kind openai whose base has /moderations. Without this entry, "
        "the first that goes to OpenAI itself, with its key if one has it."
    )


class CacheEntry(Strict):
    """Where pictures are kept, so that the same request is not bought twice."""

    url: str = Field(
        description="file:///folder (relative to this file), file:////absolute/folder, or s3://bucket/prefix. A "
        "bucket's keys stand in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION."
    )
    endpoint_env: EnvName | None = Field(
        default=None,
        examples=["R2_ENDPOINT"],
        description="s3 only: environment variable with the address of a service that is not Amazon's.",
    )
    keep_for: Seconds = Field(default=2_592_000.0, description="How long a picture is kept.")
    max_size: Bytes | None = Field(default=None, description="How much is kept; beyond that, the oldest goes first.")


class AlertEntry(Strict):
    """Who is told of thresholds, forecasts, money in doubt, overruns and what budgets refused."""

    kind: Literal["log", "webhook", "slack", "email", "apprise"] = Field(
        description="log (a warning in the program's log), webhook (a signed CloudEvent), slack (an incoming "
        "webhook of Slack), email, or apprise (any service that Apprise knows; an extra)."
    )
    name: Name | None = Field(default=None, description="A name of yours; else the kind. Each stands once.")
    url: Url | None = Field(default=None, description="Webhook only: a fixed address, where it is no secret.")
    url_env: EnvName | None = Field(
        default=None,
        examples=["SPEND_WEBHOOK_URL", "SLACK_WEBHOOK_URL", "APPRISE_URL"],
        description="Webhook, slack and apprise: environment variable that holds the address.",
    )
    secret_env: EnvName | None = Field(
        default=None,
        examples=["SPEND_WEBHOOK_SECRET"],
        description="Webhook only: environment variable with the secret that signs (whsec_... is read as base64).",
    )
    host: str | None = Field(default=None, min_length=1, description="E-mail only: the server that takes mail.")
    port: Annotated[int | None, Field(ge=1, le=65_535)] = Field(
        default=None, description="E-mail only: the server's port; else 587, or 465 with tls: implicit."
    )
    tls: Literal["starttls", "implicit", "none"] | None = Field(
        default=None, description="E-mail only: starttls, implicit (encrypted from the first byte), or none."
    )
    sender: str | None = Field(default=None, alias="from", description="E-mail only: the address it comes from.")
    to: Annotated[list[str] | None, Field(min_length=1)] = Field(
        default=None, description="E-mail only: the addresses it goes to."
    )
    user_env: EnvName | None = Field(
        default=None, examples=["SMTP_USER"], description="E-mail only: environment variable with the user."
    )
    password_env: EnvName | None = Field(
        default=None, examples=["SMTP_PASSWORD"], description="E-mail only: environment variable with the password."
    )
    kinds: Annotated[list[AlertWord] | None, Field(min_length=1)] = Field(
        default=None, description="Only these: threshold, forecast, unconfirmed, overrun, action. Else all."
    )
    budgets: Annotated[list[Name] | None, Field(min_length=1)] = Field(
        default=None, description="Of what is about a budget, only these. Else all."
    )


class RouterFile(Strict):
    """What may be bought from whom, at what price, within which budgets."""

    version: Literal[1] = Field(description="1, the version of this file's form.")
    policy: str = Field(min_length=1, description="Path of the policy file, relative to this file.")
    providers: dict[Name, ProviderEntry] = Field(min_length=1, description="Vendor accounts, by a name of yours.")
    deployments: dict[Name, DeploymentEntry] = Field(
        min_length=1, description="What can be bought, by the names that routes use."
    )
    catalog: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list, description="Files with models that the package does not know, relative to this file."
    )
    prices: list[PriceEntry] = Field(default_factory=list, description="What you negotiated; else the price book.")
    budgets: dict[Name, BudgetEntry] = Field(default_factory=dict, description="Limits, by a name of yours.")
    ledger: LedgerEntry = Field(default_factory=LedgerEntry, description="Where what was spent is written down.")
    limits: LimitsEntry | None = Field(
        default=None, description="Where limits a minute are shared; without it, each process paces for itself."
    )
    moderation: ModerationEntry | None = Field(
        default=None, description="Who looks at prompts, where the policy's `moderate` asks for it."
    )
    cache: CacheEntry | None = Field(default=None, description="Where pictures are kept; without it, nowhere.")
    alerts: list[AlertEntry] = Field(default_factory=list, description="Who is told of what is worth knowing.")
