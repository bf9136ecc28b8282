"""The ``tests:`` of a policy: requests and what must come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.config.conditions import Conditions
from routing.config.specs import PolicyTest
from routing.core.conditions import Standing
from routing.core.features import features_of
from routing.core.picture import Picture, Size
from routing.core.plan import decide
from routing.core.request import ImageRequest, Operation
from routing.errors import Problem, Refusal, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from routing.config.document import Path
    from routing.config.parsing import Parsed
    from routing.config.problems import Problems
    from routing.config.schema_policy import GivenEntry, PolicyFile, TestEntry
    from routing.config.specs import RouterConfig
    from routing.core.plan import Plan
    from routing.core.policy import Settings

REFERENCE = Picture(data=b"", format="png", size=Size(width=1024, height=1024))
"""What a test's references look like; only their number matters to a policy."""


def read_tests(
    parsed: Parsed[PolicyFile], problems: Problems, *, deployments: Sequence[str] | None
) -> tuple[PolicyTest, ...]:
    """Read a policy's tests and note what they name that does not exist."""
    declared = parsed.file
    tags = frozenset(declared.tags) if declared.tags is not None else None
    names = Conditions(problems, declared.importance, tags)
    tests = []
    for at, entry in parsed.entries(("tests",), declared.tests):
        path: Path = ("tests", at)
        for where, name in (("given", entry.given.importance), ("expect", entry.expect.importance)):
            if name is not None:
                names.check_importance(name, (*path, where, "importance"))
        for key in entry.given.tags:
            names.check_tag(key, (*path, "given", "tags", key))
        for name in entry.given.options:
            names.check_option(name, (*path, "given", "options", name))
        _check_deployment(entry.given.deployment, (*path, "given", "deployment"), problems, deployments)
        _check_expectation(entry, path, problems, deployments)
        request = _request(entry.given, path, problems)
        if request is None:
            continue
        line, column = parsed.document.place(path)
        tests.append(
            PolicyTest(
                request=request,
                standing=Standing(used_share=entry.given.budget_used, left_nusd=entry.given.budget_left),
                expect=_expected(entry),
                file=parsed.document.file,
                line=line,
                column=column,
                path=f"tests[{at}]",
            )
        )
    return tuple(tests)


def _expected(entry: TestEntry) -> dict[str, object]:
    # What was given is a set: it is asked in the order of the fields, so that a message is always the same.
    fields = (name for name in type(entry.expect).model_fields if name in entry.expect.model_fields_set)
    return {name: getattr(entry.expect, name) for name in fields}


def _check_expectation(entry: TestEntry, path: Path, problems: Problems, deployments: Sequence[str] | None) -> None:
    expect = entry.expect
    if not expect.model_fields_set:
        problems.error(
            (*path, "expect"), "this expects nothing", "write importance, use, quality, size, rule or refused"
        )
    _check_deployment(expect.use, (*path, "expect", "use"), problems, deployments)
    if expect.refused and (expect.use or expect.quality or expect.size):
        hint = "what is refused buys nothing; keep one of the two"
        problems.error((*path, "expect", "refused"), "a refusal and something bought are both expected", hint)


def _check_deployment(name: str | None, path: Path, problems: Problems, deployments: Sequence[str] | None) -> None:
    if name is not None and deployments is not None and name not in deployments:
        problems.unknown(path, "deployment", name, deployments, where="declared in router.yaml")


def _request(given: GivenEntry, path: Path, problems: Problems) -> ImageRequest | None:
    edits = given.references > 0
    if given.operation is not None and (given.operation == Operation.EDIT.value) != edits:
        hint = "an edit has references, a generation has none; leave operation out, it follows"
        message = f"{given.operation} with {given.references} references"
        problems.error((*path, "given", "operation"), message, hint)
    try:
        return _made(given)
    except RequestError as error:
        problems.error((*path, "given"), str(error), "or leave it out: there are usual values")
        return None


def _made(given: GivenEntry) -> ImageRequest:
    extras = dict(given.options)
    return ImageRequest(
        prompt=given.prompt,
        importance=given.importance,
        operation=Operation.EDIT if given.references else Operation.GENERATE,
        size=given.size,
        quality=given.quality,
        n=given.n,
        images=(REFERENCE,) * given.references,
        tags=dict(given.tags),
        max_price_nusd=given.max_price,
        deadline_s=given.deadline,
        deployment=given.deployment,
        background=extras.pop("background", None),
        output_format=extras.pop("output_format", None),
        extras=extras,
    )


def run_policy_tests(config: RouterConfig) -> list[Problem]:
    """Decide every test of the policy, each deployment counted as having its key; one problem for each that fails."""
    settings = config.settings.with_keys()
    problems = []
    for test in config.tests:
        plan: Plan | None = None
        refusal: RequestError | Refusal | None = None
        try:
            plan = _decided(test, settings, config.loaded_on)
        except (RequestError, Refusal) as error:
            refusal = error
        wrong = _compare_refusal(test.expect, refusal) if plan is None else _compare_plan(test.expect, plan)
        if wrong:
            problems.append(
                Problem(
                    file=test.file, line=test.line, column=test.column, path=test.path, message=wrong[0], hint=wrong[1]
                )
            )
    return problems


def _decided(test: PolicyTest, settings: Settings, on: date) -> Plan:
    request = test.request
    return decide(settings, features_of(request), on, lambda _importance: test.standing, prompt=request.prompt)


def _compare_refusal(expect: Mapping[str, object], refusal: RequestError | Refusal | None) -> tuple[str, str] | None:
    name = type(refusal).__name__
    wanted = expect.get("refused")
    if wanted is True or wanted == name:
        return None
    expected = wanted if isinstance(wanted, str) else " and ".join(f"{key} {value}" for key, value in expect.items())
    return f"expected {expected}, but it is refused ({name})", str(refusal)


def _compare_plan(expect: Mapping[str, object], plan: Plan) -> tuple[str, str] | None:
    first = plan.candidates[0]
    why = f"{plan.rule} gives {plan.importance}; {plan.route.label} buys from {first.deployment.name}"
    if expect.get("refused"):
        return "expected a refusal, but it is bought", why
    found: dict[str, object] = {
        "importance": plan.importance,
        "use": first.deployment.name,
        "quality": first.quality,
        "size": first.size,
        "rule": plan.rule,
    }
    wrong = [
        f"expected {key} {value}, got {found[key]}"
        for key, value in expect.items()
        if key != "refused" and found[key] != value and not (key == "rule" and _is_line(plan.rule, str(value)))
    ]
    left_out = "".join(f"; not {drop.deployment}: {drop.detail}" for drop in plan.dropped)
    return ("; ".join(wrong), why + left_out) if wrong else None


def _is_line(rule: str, line: str) -> bool:
    return rule.rpartition(":")[2] == line
