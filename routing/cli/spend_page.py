"""``routing spend --html``: the report page, filled from the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from routing.cli.books import open_books, warn_of_archives
from routing.cli.opening import find_config
from routing.cli.periods import zone_name
from routing.cli.whole_file import whole_file
from routing.core.money import usd_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from routing.cli.spend_asked import Asked
    from routing.config.load import RouterConfig
    from routing.core.budgets import Budget
    from routing.core.policy import Settings
    from routing.core.savings import Savings
    from routing.core.spend import SpendQuery, SpendRow
    from routing.ledger.base import LedgerReader
    from routing.reports.page.data import (
        Baseline,
        BudgetWindow,
        Compared,
        DaySpend,
        Figures,
        FinalPicture,
        PageData,
        Shutdown,
        SpentBy,
        UnconfirmedCall,
    )

DAYS_BEFORE_SHUTDOWN = timedelta(days=365)
DRAWN_BY_DAY = timedelta(days=366)


def write_page(
    asked: Asked, target: Path, *, title: str, note: str, baseline: str | None, thumbnails: bool
) -> dict[str, Any]:
    """Write the page; return what is in it, for the word at the end.

    Raises:
        ConfigError: where router.yaml or its policy are wrong.
        RequestError: for an unknown baseline.

    """
    from routing.reports.page.render import page_html

    with whole_file(target) as file, open_books(asked.config) as store:
        data = page_data(asked, store, baseline=baseline, thumbnails=thumbnails)
        file.write(page_html(replace(data, title=title, note=note)).encode())
    return {"file": str(target), "spent_usd": usd_text(data.spent)}


def page_data(asked: Asked, store: LedgerReader | None, *, baseline: str | None, thumbnails: bool) -> PageData:
    """Read all that the page tells."""
    from routing.assembly import load_config
    from routing.cli.spend_rankings import rankings
    from routing.core.lineage import BY_ASSET
    from routing.reports.page.data import Figures, PageData

    read = load_config(find_config(asked.config), {}, asked.now.date())
    settings, query, zone = read.settings.with_keys(), asked.query, asked.query.zone
    days = _days(asked, store)
    first, last = _edges(query, [day.day for day in days], asked.now)
    page = PageData(
        title="",
        first_day=first,
        last_day=last,
        made_at=asked.now.astimezone(zone),
        zone=zone_name(zone),
        version=_version(),
        importances=settings.policy.importance,
        figures=Figures(requests=0, pictures=0),
        days=tuple(days),
        shutdowns=tuple(_shutdowns(settings, asked.now.date())),
    )
    if store is None:
        return page
    # Of a page that is sent on, who made it must know what it lacks.
    lacks = replace(query, by=BY_ASSET.by, per=None)
    warn_of_archives([each.file for each in store.archives_behind(lacks)])
    found = replace(
        page,
        figures=_figures(store, query),
        baseline=_baseline(asked, settings, store, baseline),
        budgets=tuple(_budgets(asked, settings, store)),
        rankings=tuple(rankings(store, query, settings.policy.importance[-1])),
        unconfirmed=tuple(_unconfirmed(store, query)),
        finals=tuple(_finals(asked, read, store)) if thumbnails else (),
    )
    return replace(found, importances=_importances(settings, found))


def _days(asked: Asked, store: LedgerReader | None) -> list[DaySpend]:
    from routing.core.spend import Period
    from routing.reading.spending import read_spend
    from routing.reports.page.data import DaySpend

    if store is None:
        return []
    since = asked.begins(store)
    first = since.astimezone(asked.query.zone).date()
    # Of a longer time a page draws months: those of all days would be more than anybody reads.
    per = Period.MONTH if min(asked.query.until or asked.now, asked.now) - since > DRAWN_BY_DAY else Period.DAY
    query = replace(asked.query, by=("importance",), per=per)
    spent: dict[date, dict[str, int]] = {}
    for row in read_spend(store, query, asked.now):
        if row.period and row.spent:
            spent.setdefault(max(row.period, first), {})[row.key[0]] = int(row.spent)
    return [DaySpend(day=day, spent=amounts) for day, amounts in spent.items()]


def _edges(query: SpendQuery, days: Sequence[date], now: datetime) -> tuple[date, date]:
    """Tell the first and the last day: those that were asked for, else those there is something of, up to today."""
    today = now.astimezone(query.zone).date()
    end = query.until.astimezone(query.zone) - timedelta(microseconds=1) if query.until else None
    last = max([min(end.date(), today) if end else today, *days])
    first = query.since.astimezone(query.zone).date() if query.since else min([last, *days])
    return first, max(first, last)


def _figures(store: LedgerReader, query: SpendQuery) -> Figures:
    from routing.core.spend import total_of
    from routing.reports.page.data import Figures

    total = total_of(store.spend(replace(query, by=(), per=None)))
    return Figures(
        requests=total.requests,
        pictures=total.images,
        cached=total.cached,
        saved_by_cache=total.saved,
        unconfirmed=total.unconfirmed,
        held=total.held,
    )


def _importances(settings: Settings, page: PageData) -> tuple[str, ...]:
    """Name the policy's importances, and before them those that it no longer declares."""
    from routing.core.lineage import ranks_with

    steps = (step.importance for ranking in page.rankings for row in ranking.rows for step in row.steps)
    return ranks_with(settings.policy.importance, (*(name for day in page.days for name in day.spent), *steps))


# --- The baseline -----------------------------------------------------------------------------------------------------


def _baseline(asked: Asked, settings: Settings, store: LedgerReader, named: str | None) -> Baseline | None:
    from routing.cli.spend_savings import find_savings
    from routing.reports.page.data import Baseline
    from routing.reports.savings import assumptions, left_out, went_wrong

    found = find_savings(asked, settings, store, named)
    if not found.total.would_nusd:
        return None
    return Baseline(
        name=found.baseline.name,
        would_cost=found.total.would_nusd,
        did_cost=found.total.spent_nusd,
        assumptions=(
            *assumptions(found, zone_name(asked.query.zone)),
            "Pictures from the cache are counted on neither side.",
            *left_out(found),
        ),
        importances=tuple(_compared(settings, found)),
        remarks=tuple(f"{told} of what was spent {what}." for told, what in went_wrong(found)),
    )


def _compared(settings: Settings, found: Savings) -> Iterator[Compared]:
    """Set each importance beside the baseline, the most important first."""
    from routing.core.lineage import ranks_with
    from routing.core.savings import Sums
    from routing.reports.page.data import Compared

    sums: dict[str, Sums] = {}
    for (_, importance), group in found.groups.items():
        sums[importance] = sums.get(importance, Sums()) + group
    for name in reversed(ranks_with(settings.policy.importance, sums)):
        if name in sums:
            each = sums[name]
            yield Compared(importance=name, pictures=each.images, would_cost=each.would_nusd, did_cost=each.spent_nusd)


# --- Budgets ----------------------------------------------------------------------------------------------------------


def _budgets(asked: Asked, settings: Settings, store: LedgerReader) -> Iterator[BudgetWindow]:
    """Tell every counter in its window of now; the lines *below* an importance are left to ``routing budgets``."""
    from routing.core.budgets import raised_by
    from routing.core.window import WindowKind
    from routing.reading.statuses import read_statuses
    from routing.reports.budgets import counter_name
    from routing.reports.page.data import BudgetWindow, Forecast, Raise

    raises = store.raises(asked.now)
    # Of one for each campaign, those with the least left come first: they may be hundreds.
    statuses = sorted(read_statuses(settings, store, asked.now), key=lambda status: int(status.left))
    for budget in settings.budgets:
        starts_at, ends_at = _span(budget, store, asked.now)
        courses = _courses(asked, budget, store, starts_at)
        for status in statuses:
            if status.budget != budget.name or status.below:
                continue
            yield BudgetWindow(
                name=counter_name(status.budget, status.scope, "", budget.per or ""),
                limit=int(status.limit) - raised_by(raises, status.budget, status.scope),
                spent=int(status.spent),
                held=int(status.held),
                starts_at=starts_at,
                ends_at=ends_at,
                points=tuple(_counted(courses.get(status.scope, []), int(status.spent))),
                thresholds=budget.alert_at,
                forecast=Forecast(expected=status.forecast.expected_nusd, reached_at=status.forecast.reached_at)
                if status.forecast
                else None,
                raises=tuple(
                    Raise(by=each.by_nusd, at=each.at, until=each.until, reason=each.reason)
                    for each in raises
                    if (each.budget, each.scope) == (status.budget, status.scope)
                ),
                rolling=budget.window.kind is WindowKind.ROLLING,
            )


def _counted(course: Sequence[SpentBy], spent: int) -> Iterator[SpentBy]:
    """Leave out what was spent before the budget was declared: its counter, which has the last word, never saw it."""
    unseen = max(0, course[-1].spent - spent) if course else 0
    for point in course:
        yield replace(point, spent=max(0, point.spent - unseen))


def _span(budget: Budget, store: LedgerReader, now: datetime) -> tuple[datetime, datetime | None]:
    """Tell from when to when a budget counts; one that never ends begins with the first purchase."""
    from routing.core.window import WindowKind

    span = budget.window.span(now)
    if budget.window.kind is WindowKind.LIFETIME:
        return store.first_at() or now, None
    if budget.window.kind is WindowKind.ROLLING:
        # What counts now has no one end: it is told as if it ended with the present slice.
        return budget.window.earlier(now)[0], span.end
    return span.start, span.end


def _courses(asked: Asked, budget: Budget, store: LedgerReader, starts_at: datetime) -> dict[str, list[SpentBy]]:
    """Add up by day, or by month, what each counter of a budget counts; the last word has the counter itself."""
    from routing.core.spend import PERIODS_AT_MOST, Period, SpendQuery
    from routing.core.window import WindowKind
    from routing.reading.spending import read_spend
    from routing.reports.page.data import SpentBy

    zone = budget.window.zone
    if budget.window.kind is WindowKind.ROLLING and asked.now - starts_at < timedelta(days=2):
        return {}  # days would be too coarse for it
    per = Period.DAY if asked.now - starts_at < timedelta(days=PERIODS_AT_MOST - 1) else Period.MONTH
    by = ("importance", "deployment", "operation", *budget.match.tags, *([budget.per] if budget.per else []))
    query = SpendQuery(by=tuple(dict.fromkeys(by)), since=starts_at, per=per, zone=zone)
    found: dict[str, list[SpentBy]] = {}
    for row in read_spend(store, query, asked.now):
        scope = dict(zip(row.by, row.key, strict=True))[budget.per] if budget.per else ""
        if not row.period or not _counts(budget, row):
            continue
        course = found.setdefault(scope, [])
        noon = datetime(row.period.year, row.period.month, row.period.day, 12, tzinfo=zone)
        at = min(per.window(zone).span(noon).end or asked.now, asked.now)
        total = (course[-1].spent if course else 0) + int(row.spent)
        if course and course[-1].at == at:
            course.pop()
        course.append(SpentBy(at=at.astimezone(UTC), spent=total))
    return found


def _counts(budget: Budget, row: SpendRow) -> bool:
    """Tell whether a budget counts this group."""
    from routing.core.budgets import Purchase

    labels = dict(zip(row.by, row.key, strict=True))
    purchase = Purchase(
        importance=labels["importance"], deployment=labels["deployment"], operation=labels["operation"], tags=labels
    )
    return budget.match.covers(purchase)


# --- What should be looked at -----------------------------------------------------------------------------------------


def _unconfirmed(store: LedgerReader, query: SpendQuery) -> Iterator[UnconfirmedCall]:
    from routing.core.window import EVER
    from routing.reports.page.data import UnconfirmedCall

    for attempt in store.unconfirmed(query.since or EVER[0], query.until or EVER[1]):
        yield UnconfirmedCall(
            request_id=attempt.reserve.request_id,
            at=attempt.resolution.at if attempt.resolution else attempt.reserve.at,
            deployment=attempt.reserve.deployment,
            amount=attempt.cost_nusd,
            reason=attempt.resolution.reason if attempt.resolution else "",
        )


def _shutdowns(settings: Settings, today: date) -> Iterable[Shutdown]:
    from routing.reports.page.data import Shutdown

    for deployment in settings.deployments.values():
        model = deployment.model
        if model.shutdown and model.shutdown - today <= DAYS_BEFORE_SHUTDOWN:
            yield Shutdown(deployment=deployment.name, model=model.name, on=model.shutdown, substitute=model.substitute)


def _finals(asked: Asked, read: RouterConfig, store: LedgerReader) -> Iterator[FinalPicture]:
    """Find the newest finished assets whose picture the cache still has."""
    from routing.assembly import SystemClock, find_cache
    from routing.cli.opening import LateLog
    from routing.core.window import EVER
    from routing.reading.spending import last_pictures
    from routing.reports.page.data import FinalPicture
    from routing.reports.page.thumbnails import THUMBNAILS_AT_MOST

    cache = find_cache(read, SystemClock(), LateLog())
    if cache is None:
        return
    since, until = asked.query.since or EVER[0], asked.query.until or EVER[1]
    highest = read.settings.policy.importance[-1]
    for asset, key in reversed(last_pictures(store, since, until, highest, THUMBNAILS_AT_MOST)):
        call = cache.get(key)
        if call is not None and call.pictures:
            yield FinalPicture(asset=asset, data=call.pictures[0].data)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("image-routing")
    except PackageNotFoundError:
        return "from a checkout"
