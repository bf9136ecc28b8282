"""Models that the package does not know, from files of a team's own."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

from routing.config.jsonschema import SCHEMAS, schema_text
from routing.config.load import RouterConfig, config_files, load
from routing.core.deployment import FreeSizes
from routing.core.features import features_of
from routing.core.money import usd
from routing.core.picture import Size
from routing.core.plan import decide
from routing.core.request import ImageRequest
from routing.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
ROUTER = """version: 1
policy: policy.yaml
catalog: [acme.yaml]
providers:
  acme: {kind: openai, api_key_env: ACME_KEY, base_url: "https://api.acme.example/v1"}
deployments:
  paint: {provider: acme, model: %s}
"""
POLICY = """version: 1
importance: [draft]
sort: [{importance: draft}]
routes: {draft: [{use: [paint]}]}
"""
ACME = """vendor: acme
kinds: [openai]
base_url: https://api.acme.example/v1
models:
  acme-paint-1:
    operations: [generate]
    sizes: [1024x1024, 1536x1024]
    default_size: 1024x1024
    n: 4
    prompt_chars: 4000
    rates: [{since: 2026-09-01, per_image: 0.02, source: contract 2026-118}]
"""


def write(folder: Path, model: str, **catalogs: str) -> Path:
    path = folder / "router.yaml"
    path.write_text(ROUTER % model, encoding="utf-8")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    for name, text in ({"acme": ACME} | catalogs).items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return path


def opened(folder: Path, model: str = "acme-paint-1", **catalogs: str) -> RouterConfig:
    return load(write(folder, model, **catalogs), {"ACME_KEY": "set"}, today=TODAY)


def problems(folder: Path, model: str = "acme-paint-1", **catalogs: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        opened(folder, model, **catalogs)
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def test_a_model_of_ones_own_is_decided_and_priced_like_any_other(tmp_path: Path) -> None:
    config = opened(tmp_path)
    (candidate,) = decide(config.settings, features_of(ImageRequest(prompt="a fox", n=3)), TODAY).candidates
    assert (candidate.deployment.model.vendor, candidate.deployment.wire_model) == ("acme", "acme-paint-1")
    assert candidate.quote.price_nusd == usd("0.06")
    assert config.sources == (tmp_path / "router.yaml", tmp_path / "policy.yaml", tmp_path / "acme.yaml")


def test_what_is_like_another_says_only_what_differs(tmp_path: Path) -> None:
    more = "  acme-paint-2: {like: acme:acme-paint-1, sizes: [512x512], default_size: 512x512, aliases: [paint-2]}\n"
    more += "  studio-image: {like: openai:gpt-image-2, wire: gpt-image-2}\n"
    config = opened(tmp_path, "paint-2", acme=ACME + more)
    model = config.settings.deployments["paint"].model
    assert (model.name, model.default_size, model.images_per_call) == ("acme-paint-2", Size(width=512, height=512), 4)
    studio = opened(tmp_path, "studio-image", acme=ACME + more).settings.deployments["paint"]
    assert (studio.model.qualities, studio.wire_model) == (("low", "medium", "high"), "gpt-image-2")


def test_several_files_know_each_other(tmp_path: Path) -> None:
    path = write(
        tmp_path, "other-1", other="vendor: other\nkinds: [openai]\nmodels: {other-1: {like: acme:acme-paint-1}}\n"
    )
    path.write_text(
        path.read_text(encoding="utf-8").replace("[acme.yaml]", "[acme.yaml, other.yaml]"), encoding="utf-8"
    )
    assert config_files(path) == tuple(
        tmp_path / name for name in ("router.yaml", "policy.yaml", "acme.yaml", "other.yaml")
    )
    assert load(path, {}, today=TODAY).settings.deployments["paint"].model.vendor == "other"


def test_a_provider_of_another_address_is_refused_as_for_any_model(tmp_path: Path) -> None:
    path = write(tmp_path, "acme-paint-1")
    path.write_text(
        path.read_text(encoding="utf-8").replace(', base_url: "https://api.acme.example/v1"', ""), encoding="utf-8"
    )
    with pytest.raises(
        ConfigError, match="goes to OpenAI, which does not sell acme-paint-1; give that provider base_url"
    ):
        load(path, {}, today=TODAY)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "gpt-image-2: {like: acme:acme-paint-1}",
            "gpt-image-2: the catalog has gpt-image-2 already; give yours another",
        ),
        ("x: {like: acme:acme-paint-1, aliases: [fal-ai/flux/schnell]}", "already, for fal_ai/fal-ai/flux/schnell"),
        ("x: {like: acme:acme-paint-1, aliases: [acme-paint-1]}", "x.aliases[0]: the catalog has acme-paint-1 already"),
        (
            "x: {like: acme:acme-paint-1, replaces: [dall-e-3]}",
            "x.replaces[0]: the catalog has dall-e-3 already, for gpt-image-2",
        ),
        (
            "x: {like: acme:acme-pant-1}",
            "acme has no model 'acme-pant-1' (did you mean 'acme-paint-1'?); write vendor:model",
        ),
        ("x: {like: x}", "'x' names no model; write vendor:model, like openai:gpt-image-2"),
        ("x: {like: acme:y}\n  y: {like: acme:x}", "x.like: x is like itself in the end"),
        ("x: {n: 2}", "x: `operations` is missing; a model says operations, sizes, default_size, n, prompt_chars, or"),
        ("x: {like: acme:acme-paint-1, n: 11}", "x.n: '11' is out of range"),
        ("x: {like: acme:acme-paint-1, default_size: 2x2}", "x cannot make 2x2 by its own sizes; nearest is 1024x1024"),
        ("x: {like: acme:acme-paint-1, sizes: {multiple_of: 16}}", "x.sizes: `edge_at_most` is missing"),
        ("x: {like: acme:acme-paint-1, sizes: big}", "x.sizes: these are no sizes; write [1024x1024, ...]"),
        ("x: {like: acme:acme-paint-1, default_quality: high}", "the default quality is 'high'; qualities are none"),
        ("x: {like: acme:acme-paint-1, references: 2}", "an edit needs references, and nothing else takes them"),
        ("x: {like: openai:gpt-image-2, qualities: [low], default_quality: low}", "the grid has other qualities than"),
        ("x: {like: openai:gpt-image-2, tokens: {reference_at_most: 1}}", "tokens are counted by a grid or by steps"),
        (
            "x: {like: acme:acme-paint-1, rates: [{since: 2026-01-01, text_in: 5, source: a}]}",
            "x is not billed by tokens",
        ),
        ("x: {like: acme:acme-paint-1, rates: [{since: 2026-01-01, source: a}]}", "x.rates[0]: no price is given"),
        (
            "x: {like: acme:acme-paint-1, rates: [{since: 2026-01-01, per_image: 0.01}]}",
            "x.rates[0]: `source` is missing",
        ),
        ("x: {like: acme:acme-paint-1, price: 3}", "x.price: unknown key 'price' (did you mean 'price_map'?)"),
        ("'x y': {like: acme:acme-paint-1}", "'x y' is no name of a model"),
        ("x: {like: acme:acme-paint-1, wire: sk-abcdefghijklmnop1234}", "this looks like an API key"),
    ],
)
def test_what_cannot_be_is_told_with_its_place_and_the_way_out(tmp_path: Path, entry: str, told: str) -> None:
    found = problems(tmp_path, acme=f"{ACME}  {entry}\n")
    assert any(told in each for each in found), found
    assert all(re.match(r"acme\.yaml:1[2-4]:\d+: .+; .+", each) for each in found), found


def test_bounds_that_no_size_keeps_are_told_and_break_nothing(tmp_path: Path) -> None:
    bounds = "{multiple_of: 16, edge_at_most: 64, ratio_at_most: 3, pixels_at_least: 655360, pixels_at_most: 8294400}"
    found = problems(tmp_path, "x", acme=f"{ACME}  x: {{like: openai:gpt-image-2, sizes: {bounds}}}\n")
    assert len(found) == 1
    assert "x.sizes: no size keeps all of these bounds: WxH in multiples of 16" in found[0]


def test_what_is_like_a_model_that_says_too_little_may_say_the_rest(tmp_path: Path) -> None:
    more = "  half: {like: acme:acme-paint-1, sizes: {multiple_of: 16, edge_at_most: 64, ratio_at_most: 1,"
    more += " pixels_at_least: 9999, pixels_at_most: 9999}}\n  whole: {like: acme:half, sizes: [1024x1024]}\n"
    found = problems(tmp_path, "whole", acme=f"{ACME}{more}")
    assert [each.partition(": ")[2].partition(":")[0] for each in found] == ["models.half.sizes"]


def test_bounds_without_room_for_a_shape_give_a_squarer_one() -> None:
    sizes = FreeSizes(
        multiple_of=16, edge_at_most=1024, ratio_at_most=3, pixels_at_least=655_360, pixels_at_most=1_048_576
    )
    nearest = sizes.nearest(Size(width=3000, height=1000))
    assert sizes.allows(nearest)
    assert nearest.width == 1024


def test_a_deployment_of_a_model_that_cannot_be_read_is_not_told_twice(tmp_path: Path) -> None:
    found = problems(tmp_path, "x", acme=f"{ACME}  x: {{like: acme:nobody}}\n")
    assert len(found) == 1


def test_whose_models_they_are_must_be_said(tmp_path: Path) -> None:
    found = problems(tmp_path, acme=ACME.replace("kinds: [openai]", "kinds: [litellm]"))
    assert found == ["acme.yaml:2:9: kinds[0]: 'litellm' is not known here; write openai or azure"]


def test_a_catalog_that_is_not_there_is_told_at_its_line(tmp_path: Path) -> None:
    write(tmp_path, "acme-paint-1")
    (tmp_path / "acme.yaml").unlink()
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "router.yaml", {}, today=TODAY)
    # Nobody knows what stands in it, so nothing is said of the models that it may have.
    (found,) = refused.value.problems
    assert "router.yaml:3:11: catalog[0]: the catalog 'acme.yaml' cannot be read: No such file" in str(found)


def test_where_catalog_is_no_list_nothing_is_said_of_the_models_it_may_have(tmp_path: Path) -> None:
    path = write(tmp_path, "acme-paint-1")
    path.write_text(path.read_text(encoding="utf-8").replace("[acme.yaml]", "acme.yaml"), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, {}, today=TODAY)
    (found,) = refused.value.problems
    assert (found.path, found.message) == ("catalog", "'acme.yaml' is not a list")


@pytest.mark.parametrize(("text", "what"), [(POLICY, "a policy"), (ROUTER % "acme-paint-1", "a router.yaml")])
def test_another_kind_of_file_is_told_in_one_line(tmp_path: Path, text: str, what: str) -> None:
    (found,) = problems(tmp_path, acme=text)
    assert found == (
        f"router.yaml:3:11: catalog[0]: the catalog 'acme.yaml' is {what}, not a catalog; the path is relative to"
        " this file; a catalog has vendor, kinds, models"
    )


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    path = write(tmp_path, "acme-paint-1")
    many = ", ".join(f"{number}.yaml" for number in range(21))
    path.write_text(path.read_text(encoding="utf-8").replace("[acme.yaml]", f"[{many}]"), encoding="utf-8")
    with pytest.raises(ConfigError, match="21 files are more than 20; put several models of a vendor into one file"):
        load(path, {}, today=TODAY)


def test_an_unknown_model_says_how_to_bring_ones_own(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "acme-paint-3")
    assert "unknown model 'acme-paint-3' (did you mean 'acme-paint-1'?); `catalog: [FILE.yaml]` adds a model" in found


def test_editors_complete_a_catalog() -> None:
    assert '"like"' in schema_text(SCHEMAS["catalog.schema.json"])
