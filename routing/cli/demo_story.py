"""What the demo tells while it runs: two lines a request, and how far it is."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from routing.reports.amounts import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.progress import Progress, TaskID

    from routing.cli.demo_campaign import Step
    from routing.results import Result

NAME_CHARS = 15
WHAT_CHARS = 48
COST_CHARS = 12
INDENT = " " * 4


class Story:
    """Tells what happened; a terminal also sees what is happening."""

    def __init__(self, say: Callable[[str], None], words: Mapping[str, str], bar: Progress | None = None) -> None:
        """``say`` writes a line, ``words`` are the conditions of the policy's rules by their place."""
        self._say = say
        self._words = words
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, step: Step, of: int) -> None:
        """Say what is being bought."""
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=of)
        self._bar.update(self._task, description=step.name)

    def end(self, number: int, step: Step, result: Result) -> None:
        """Say what it became."""
        for line in told(number, step, result, self._words):
            self._say(line)
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)


@contextmanager
def story(words: Mapping[str, str], *, quiet: bool) -> Iterator[Story]:
    """Begin to tell: with a bar on a terminal, with plain lines elsewhere, not at all where ``quiet``."""
    if quiet:
        yield Story(lambda _: None, words)
    elif not sys.stdout.isatty():
        yield Story(click.echo, words)
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("buying"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, transient=True) as bar:
            yield Story(lambda line: bar.console.print(line, markup=False, highlight=False), words, bar)


def told(number: int, step: Step, result: Result, words: Mapping[str, str]) -> list[str]:
    """Tell one purchase: where it went and for how much, then why there."""
    many = f"{len(result.images)} x " if len(result.images) > 1 else ""
    quality = f" at {result.quality}" if result.quality else ""
    what = f"{result.importance:<6} -> {many}{result.deployment}{quality}, {result.size}"
    cost = "from cache" if result.cached else readable(result.cost)
    return [
        f"{number:2d}  {step.name:<{NAME_CHARS}}{what:<{WHAT_CHARS}}{cost:>{COST_CHARS}}",
        *(f"{INDENT}{reason}" for reason in (_because(step, result, words), *_others(result)) if reason),
    ]


def _because(step: Step, result: Result, words: Mapping[str, str]) -> str:
    """Say what it was made from, and which rules decided."""
    plan = result.plan
    if plan is None:
        return ""
    condition = words.get(plan.rule)
    parts = [f"sorted by {plan.rule} ({condition})" if condition else plan.rule]
    if step.promotes:
        parts.insert(0, f"promotes {step.promotes}")
    if step.references:
        parts.insert(0, f"edits {' and '.join(step.references)}")
    if plan.route.when.conditions:
        parts.append(f"route for {plan.route.when}")
    return "; ".join(parts)


def _others(result: Result) -> list[str]:
    """Say what became of the other deployments of the route: what they would have cost, or why they could not."""
    plan = result.plan
    if plan is None or result.cached:
        return []
    first, *others = plan.candidates
    names: dict[int, list[str]] = {}
    for other in others:
        names.setdefault(other.quote.expected_nusd, []).append(other.deployment.name)
    dearer = all(price > first.quote.expected_nusd for price in names)
    prices = ", ".join(f"{' and '.join(found)} {readable(price)}" for price, found in names.items())
    lines = [f"{'dearer' if dearer else 'next in line'}: {prices}"] if prices else []
    return [*lines, *(f"not {drop.deployment}: {drop.detail}" for drop in plan.dropped)]
