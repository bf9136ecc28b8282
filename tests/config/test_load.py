"""Both files together: what they become, and what is said about them."""

from __future__ import annotations

from datetime import UTC, date
from fractions import Fraction
from pathlib import Path

import pytest

from routing.config.load import RouterConfig, load
from routing.core.budgets import OnBudget
from routing.core.features import features_of
from routing.core.pacing import Allowance
from routing.core.picture import Size
from routing.core.plan import decide
from routing.core.policy import DraftUse
from routing.core.prices import Usage
from routing.core.request import ImageRequest
from routing.core.window import WindowKind
from routing.errors import ConfigError

SOUND = Path(__file__).parents[1] / "golden" / "config" / "sound"
TODAY = date(2026, 11, 21)
ENV = {"OPENAI_API_KEY": "set"}


class Files:
    """A folder with both files, sound until they are changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.router = (SOUND / "router.yaml").read_text(encoding="utf-8")
        self.policy = (SOUND / "policy.yaml").read_text(encoding="utf-8")

    def load(self, env: dict[str, str] | None = None, today: date = TODAY) -> RouterConfig:
        (self.folder / "router.yaml").write_text(self.router, encoding="utf-8")
        (self.folder / "policy.yaml").write_text(self.policy, encoding="utf-8")
        return load(self.folder / "router.yaml", ENV if env is None else env, today=today)

    def problems(self, today: date = TODAY) -> str:
        with pytest.raises(ConfigError) as caught:
            self.load(today=today)
        return str(caught.value)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


# --- What the files become --------------------------------------------------------------------------------------------


def test_a_key_that_is_not_set_is_named_on_its_deployments_only(files: Files) -> None:
    config = files.load()
    missing = {name: each.missing_key for name, each in config.settings.deployments.items()}
    assert missing == {"gpt-image-2": None, "nano-banana": "GEMINI_API_KEY"}


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_key_is_a_missing_key(files: Files, empty: str) -> None:
    config = files.load({"OPENAI_API_KEY": empty})
    assert config.settings.deployments["gpt-image-2"].missing_key == "OPENAI_API_KEY"


def test_no_part_of_the_configuration_holds_the_value_of_a_key(files: Files) -> None:
    assert "sk-very-secret" not in repr(files.load({"OPENAI_API_KEY": "sk-very-secret"}))


@pytest.mark.parametrize(
    ("env", "base_url"),
    [
        ({"PLACE": "http://127.0.0.1:9/v1"}, "http://127.0.0.1:9/v1"),
        ({"PLACE": ""}, "https://fixed.example.com/v1"),
        ({}, "https://fixed.example.com/v1"),
    ],
)
def test_a_base_address_from_outside_goes_before_the_fixed_one(
    files: Files, env: dict[str, str], base_url: str
) -> None:
    bases = "base_url_env: PLACE, base_url: https://fixed.example.com/v1"
    files.router = files.router.replace("api_key_env: OPENAI_API_KEY", f"api_key_env: OPENAI_API_KEY, {bases}")
    assert files.load(env).providers["openai"].base_url == base_url


def test_without_any_base_address_the_vendors_own_is_meant(files: Files) -> None:
    assert files.load().providers["openai"].base_url is None


def test_a_base_address_from_outside_that_cannot_be_used_is_named_not_repeated(files: Files) -> None:
    files.router = files.router.replace(
        "api_key_env: OPENAI_API_KEY", "api_key_env: OPENAI_API_KEY, base_url_env: PLACE"
    )
    with pytest.raises(ConfigError, match="the environment's PLACE cannot be used") as caught:
        files.load({"PLACE": "not an address, hunter2"})
    assert "hunter2" not in str(caught.value)


def test_options_of_a_provider_reach_it(files: Files) -> None:
    azure = (
        "{kind: azure, api_key_env: OPENAI_API_KEY, base_url: https://x.example.com, api_version: 2025-04-01-preview}"
    )
    files.router = files.router.replace("{kind: openai, api_key_env: OPENAI_API_KEY}", azure)
    provider = files.load().providers["openai"]
    assert (provider.kind, dict(provider.options)) == ("azure", {"api_version": "2025-04-01-preview"})


def test_a_deployments_own_values_go_before_its_providers(files: Files) -> None:
    own = "model: gpt-image-2, quality: low, size: 2048x2048, timeout: 30s, wire_model: ours, images_per_minute: 50"
    files.router = files.router.replace("model: gpt-image-2}", own + "}")
    config = files.load()
    found = config.settings.deployments["gpt-image-2"]
    assert (found.quality, found.size, found.timeout_s) == ("low", Size(width=2048, height=2048), 30.0)
    assert (found.wire_model, found.allowance) == ("ours", Allowance(images=50))
    assert config.settings.deployments["nano-banana"].timeout_s == 360.0


def test_a_negotiated_price_holds_from_its_day(files: Files) -> None:
    files.router += "prices: [{deployment: nano-banana, since: 2026-11-01, per_image: 0.02, source: contract}]\n"
    prices = files.load().settings.prices
    usage = Usage(text_in=10, image_out=1290, images=1)
    assert prices.card("nano-banana", date(2026, 11, 1)).cost_nusd(usage) == 20_000_000
    assert prices.card("nano-banana", date(2026, 10, 31)).cost_nusd(usage) == 38_703_000


def test_a_negotiated_token_price_leaves_the_other_kinds(files: Files) -> None:
    files.router += "prices: [{deployment: gpt-image-2, since: 2026-11-01, image_out: 24, source: contract}]\n"
    card = files.load().settings.prices.card("gpt-image-2", TODAY)
    assert card.cost_nusd(Usage(image_out=1_000_000)) == 24 * 10**9
    assert card.cost_nusd(Usage(text_in=1_000_000)) == 5 * 10**9


def test_a_budget_is_read_with_all_its_parts(files: Files) -> None:
    files.router += """budgets:
  posters:
    limit: 500.00
    window: calendar_month
    per: stage
    match: {importance: [review, final], operation: [generate], tags: {kind: [poster, banner], audience: customer}}
    on_budget: refuse
    alert_at: [100%, 50%, 400]
    protect: {final: 40%, review: 10%}
"""
    (budget,) = files.load().settings.budgets
    assert (budget.name, budget.limit_nusd, budget.per, budget.on_budget) == (
        "posters",
        500 * 10**9,
        "stage",
        OnBudget.REFUSE,
    )
    assert (budget.window.kind, budget.window.zone) == (WindowKind.CALENDAR_MONTH, UTC)
    assert budget.alert_at == (250 * 10**9, 400 * 10**9, 500 * 10**9)
    assert budget.protect == {"final": Fraction(2, 5), "review": Fraction(1, 10)}
    assert budget.match.tags == {"kind": frozenset({"poster", "banner"}), "audience": frozenset({"customer"})}
    assert budget.match.importance == frozenset({"review", "final"})


def test_ledger_and_cache_have_their_usual_values(files: Files) -> None:
    config = files.load()
    assert (config.ledger_url, config.settings.hold_for_s, config.settings.release_expired) == (
        "sqlite:///spend.db",
        900.0,
        False,
    )
    assert (config.cache, config.alerts) == (None, ())
    assert config.root == files.folder.resolve()


def test_ledger_cache_and_alerts_are_read(files: Files) -> None:
    files.router += """ledger: {url: "memory://", hold_for: 30s, on_expiry: release}
cache: {url: "file:///pictures", keep_for: 1d, max_size: 5GB}
alerts: [{kind: log}]
"""
    config = files.load()
    assert (config.ledger_url, config.settings.hold_for_s, config.settings.release_expired) == ("memory://", 30.0, True)
    assert config.cache is not None
    assert (config.cache.url, config.cache.keep_for_s, config.cache.max_size_bytes) == (
        "file:///pictures",
        86400.0,
        5 * 10**9,
    )
    assert [alert.kind for alert in config.alerts] == ["log"]


def test_rules_and_routes_are_labelled_by_file_and_line(files: Files) -> None:
    plan = decide(files.load().settings, features_of(ImageRequest(prompt="a fox", tags={"stage": "final"})), TODAY)
    assert (plan.rule, plan.route.label) == ("policy.yaml:5", "policy.yaml:13")


def test_the_policy_is_found_from_the_folder_of_router_yaml(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert files.load().settings.policy.name == "policy.yaml"


def test_the_fingerprint_of_a_policy_changes_with_its_rules_not_with_its_tests(files: Files) -> None:
    before = files.load().settings.policy.fingerprint
    files.policy = "# a comment\n" + files.policy + "tests: [{given: {}, expect: {importance: draft}}]\n"
    assert files.load().settings.policy.fingerprint == before
    files.policy = files.policy.replace("quality: high", "quality: low")
    assert files.load().settings.policy.fingerprint != before


# --- What is said -----------------------------------------------------------------------------------------------------


def test_every_problem_of_both_files_is_told_at_once(files: Files) -> None:
    files.router = files.router.replace("kind: litellm", "kind: litelm").replace("version: 1", "version: 3")
    files.policy = files.policy.replace("importance: final}", "importance: finale}").replace("medium", "middling")
    lines = files.problems().splitlines()
    assert [line.split(":")[0].rpartition("/")[2] for line in lines] == ["router.yaml"] * 2 + ["policy.yaml"] * 2


def test_a_mistake_in_one_entry_does_not_hide_those_in_others(files: Files) -> None:
    files.policy = files.policy.replace("stage: final}", "stage: final}, n: many").replace("[nano-banana, ", "[nano, ")
    said = files.problems()
    assert "'many' is no number" in said
    assert "unknown deployment 'nano'" in said


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"router.yaml:1:1: cannot be read: No such file or directory; `routing init`"
    ):
        load(tmp_path / "router.yaml", ENV, today=TODAY)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, ENV, today=TODAY)


def test_a_policy_that_is_a_folder_is_told_at_its_line(files: Files) -> None:
    files.router = files.router.replace("policy: policy.yaml", "policy: .")
    assert "router.yaml:2:9: policy: the policy '.' cannot be read: Is a directory" in files.problems()


def test_a_model_that_ends_within_90_days_is_a_warning_with_date_and_substitute(files: Files) -> None:
    (warning,) = files.load(today=date(2026, 12, 15)).warnings
    assert str(warning) == (
        f"{files.folder}/router.yaml:8:42: warning: deployments.nano-banana.model: gemini/gemini-2.5-flash-image shuts "
        "down on 2027-03-15, in 90 days; use gemini/gemini-nano-banana-2.1: a picture is $0.035925 instead of "
        "$0.038715 (-7%)"
    )
    assert files.load(today=date(2026, 12, 14)).warnings == ()


def test_a_model_that_has_ended_is_an_error(files: Files) -> None:
    said = files.problems(today=date(2027, 3, 15))
    assert "was shut down on 2027-03-15; use gemini/gemini-nano-banana-2.1" in said


@pytest.mark.parametrize("old", ["dall-e-3", "dall-e-2", "gpt-image-1"])
def test_an_old_name_buys_what_replaced_it_with_a_warning(files: Files, old: str) -> None:
    files.router = files.router.replace("model: gpt-image-2}", f"model: {old}}}")
    config = files.load()
    found = config.settings.deployments["gpt-image-2"]
    assert (found.model.name, found.wire_model) == ("gpt-image-2", "gpt-image-2")
    (warning,) = config.warnings
    assert f"{old} was shut down on 2026-" in warning.message
    assert warning.hint == "write model: gpt-image-2"


def test_an_unconfirmed_model_needs_a_stated_price_and_warns(files: Files) -> None:
    files.router = files.router.replace("model: gpt-image-2}", "model: gpt-image-2.6}")
    assert "has no price on 2026-11-21" in files.problems()
    files.router += """prices:
  - {deployment: gpt-image-2, since: 2026-11-01, text_in: 5, image_in: 8, image_out: 30, source: a call}
"""
    (warning,) = files.load().warnings
    assert "nothing about it is confirmed" in warning.message


def test_a_candidate_that_can_never_do_what_its_route_asks_is_a_warning(files: Files) -> None:
    files.policy = files.policy.replace("pick: cheapest", "ask: {size: 2048x2048}")
    (warning,) = files.load().warnings
    assert "nano-banana is never used here: it has no size '2048x2048'" in warning.message


def test_a_draft_that_is_to_go_along_where_nobody_takes_it_is_a_problem(files: Files) -> None:
    files.router = files.router.replace("gemini/gemini-2.5-flash-image", "fal_ai/fal-ai/flux/schnell")
    files.policy = files.policy.replace("pick: cheapest", "draft: reference")
    assert files.load().settings.policy.routes["draft"][0].draft is DraftUse.REFERENCE
    files.policy = files.policy.replace("use: [nano-banana, gpt-image-2]", "use: [nano-banana]")
    assert files.problems() == (
        f"{files.folder}/policy.yaml:9:35: routes.draft[0].draft: no candidate of the route takes the draft as a"
        " reference; add one that edits, or leave the draft"
    )


def test_a_draft_is_left_unless_the_route_says_otherwise(files: Files) -> None:
    assert files.load().settings.policy.routes["final"][0].draft is DraftUse.LEAVE
    files.policy = files.policy.replace("quality: high}", "quality: high}, draft: along")
    assert "'along' is not known here; write leave or reference" in files.problems()


def test_a_cap_above_the_cheapest_candidate_is_no_problem(files: Files) -> None:
    files.policy = files.policy.replace("pick: cheapest", "pick: cheapest, max_price: 0.01")
    assert files.load().warnings == ()


def test_what_looks_like_a_key_is_named_by_place_only(files: Files) -> None:
    key = "sk-proj-abcdefghijklmnop1234567890"
    files.router = files.router.replace("model: gpt-image-2}", f"model: {key}}}")
    files.policy = files.policy.replace("stage: final", f"stage: {key}")
    said = files.problems()
    assert key not in said
    assert said.count("this looks like an API key") == 2


@pytest.mark.parametrize(
    "value",
    ["SpringCampaign2026LaunchPosterVariantNumberFour", "key-visual-autumn-launch", "a" * 80, "contract 2026-118"],
)
def test_ordinary_words_are_not_taken_for_keys(files: Files, value: str) -> None:
    files.policy = files.policy.replace("stage: final", f"stage: {value}")
    assert files.load().warnings == ()
