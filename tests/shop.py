"""A small shop for the router's tests: three deployments, fake vendors, a frozen clock, a ledger in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from routing.alerts.base import Subscription
from routing.buying.moderation import Moderation
from routing.buying.shop import Shop
from routing.cache.file import FileCache
from routing.closing import ClosingClock
from routing.core.budgets import Budget
from routing.core.deployment import Deployment, FormulaTokens, FreeSizes, ListedSizes, Model, TokenRule
from routing.core.money import usd
from routing.core.picture import Size
from routing.core.policy import Ask, Pick, Policy, Route, Settings, SortRule
from routing.core.prices import PriceBook, Rate, Unit
from routing.core.request import Operation
from routing.core.window import Window, WindowKind
from routing.ledger.memory import open_memory
from routing.limits.memory import MemoryBook
from routing.limits.pacer import Pacer
from routing.logs import SilentLog
from routing.router import Router
from routing.testing import FakeProvider, FrozenClock
from routing.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from routing.alerts.base import AlertChannel
    from routing.ledger.base import Store
    from routing.providers.base import Moderator

SINCE = date(2026, 1, 1)
SQUARE = Size(width=1024, height=1024)
BOTH = frozenset({Operation.GENERATE, Operation.EDIT})

GPT = Model(
    name="gpt-image-2",
    vendor="openai",
    operations=BOTH,
    sizes=FreeSizes(
        multiple_of=16, edge_at_most=3840, ratio_at_most=3, pixels_at_least=655_360, pixels_at_most=8_294_400
    ),
    default_size=SQUARE,
    qualities=("low", "medium", "high"),
    default_quality="medium",
    images_per_call=10,
    references_at_most=16,
    mask=True,
    backgrounds=("opaque",),
    output_formats=("png", "jpeg", "webp"),
    tokens=TokenRule(
        output=FormulaTokens(grid={"low": 16, "medium": 48, "high": 96}), reference_at_most=1536, reference_patch=32
    ),
    replaces=("dall-e-3",),
)
FLUX = Model(
    name="flux/schnell",
    vendor="fal",
    operations=frozenset({Operation.GENERATE}),
    sizes=ListedSizes(sizes=(SQUARE,)),
    default_size=SQUARE,
    images_per_call=1,
    extras={"seed": ()},
)
TOKEN_RATES = {Unit.TEXT_IN: "5", Unit.TEXT_CACHED_IN: "1.25", Unit.IMAGE_IN: "8", Unit.IMAGE_OUT: "30"}


def token_rates() -> list[Rate]:
    return [
        Rate(unit=unit, per_million_nusd=usd(dollars), since=SINCE, source="a test")
        for unit, dollars in TOKEN_RATES.items()
    ]


def per_image(dollars: str) -> list[Rate]:
    return [Rate(unit=Unit.IMAGE, per_million_nusd=usd(dollars) * 1_000_000, since=SINCE, source="a test")]


def deployment(name: str, model: Model, **fields: Any) -> Deployment:
    return Deployment(name=name, provider=fields.pop("provider", name), model=model, wire_model=model.name, **fields)


def settings(**changes: Any) -> Settings:
    policy = Policy(
        name="test",
        importance=("draft", "review", "final"),
        sort=(SortRule(importance="draft", label="sort:default"),),
        routes={
            "draft": (Route(use=("flux", "gpt"), pick=Pick.CHEAPEST, ask=Ask(quality="low"), label="routes.draft"),),
            "review": (Route(use=("gpt",), ask=Ask(quality="medium"), label="routes.review"),),
            "final": (Route(use=("gpt",), ask=Ask(quality="high"), on_failure=("gpt-b",), label="routes.final"),),
        },
        tags=frozenset({"campaign", "kind"}),
        fingerprint="p1",
    )
    known = {
        "flux": deployment("flux", FLUX),
        "gpt": deployment("gpt", GPT),
        "gpt-b": deployment("gpt-b", GPT),
    }
    prices = PriceBook({"flux": per_image("0.003"), "gpt": token_rates(), "gpt-b": token_rates()})
    made = Settings(policy=policy, deployments=known, prices=prices)
    return replace(made, **changes)


def budget(limit: str, **changes: Any) -> Budget:
    made = Budget(name="month", limit_nusd=usd(limit), window=Window(kind=WindowKind.CALENDAR_MONTH))
    return replace(made, **changes)


class RecordingLog(SilentLog):
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))

    def named(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.events if name == event]


@dataclass
class Bench:
    """A router and everything behind it, to look at."""

    router: Router
    store: Store
    clock: FrozenClock
    log: RecordingLog
    fakes: dict[str, FakeProvider] = field(default_factory=dict)

    @property
    def calls(self) -> list[str]:
        return [call.deployment.name for fake in self.fakes.values() for call in fake.calls]

    def spent(self) -> int:
        return sum(row.spent for row in self.router.spend(by=()))

    def held(self) -> int:
        return sum(row.held for row in self.router.spend(by=()))


def open_bench(
    made: Settings | None = None,
    *,
    cache: Path | None = None,
    store: Store | None = None,
    channels: Sequence[AlertChannel] = (),
    background: bool = False,
    moderator: Moderator | None = None,
    clock: FrozenClock | None = None,
) -> Bench:
    made = made or settings()
    clock, log = clock or FrozenClock(), RecordingLog()
    fakes = {name: FakeProvider() for name in made.deployments}
    store = store or open_memory()
    subscriptions = [Subscription(name=f"channel-{at}", channel=each) for at, each in enumerate(channels, start=1)]
    upkeep = Upkeep(
        settings=made, store=store, subscriptions=subscriptions, clock=clock, log=log, background=background
    )
    closing = ClosingClock(clock)
    shop = Shop(
        settings=made,
        store=store,
        providers=fakes,
        limiter=Pacer(MemoryBook(lambda: round(clock.elapsed_s() * 1000)), closing),
        clock=closing,
        log=log,
        cache=FileCache(cache, clock=clock, log=log) if cache else None,
        upkeep=upkeep,
        moderation=Moderation(moderator, closing, log) if moderator else None,
    )
    return Bench(Router(shop, on_close=store.close), store, clock, log, fakes)
