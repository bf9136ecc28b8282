"""A model that the package does not know, bought over HTTP by what a team's own file says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing import usd
from tests.router.conftest import ROUTER, booked, policy

if TYPE_CHECKING:
    from routing.sandbox.server import Sandbox
    from tests.router.conftest import Team

CATALOG = """\
vendor: studio
kinds: [openai]
models:
  studio-image:
    like: openai:gpt-image-2
    wire: gpt-image-2
    price_map: none of theirs
    rates: [{since: 2026-09-01, text_in: 10, text_cached_in: 2.5, image_in: 16, image_cached_in: 4, image_out: 60,
             source: contract 2026-118}]
"""


def test_a_model_of_ones_own_is_bought_under_the_vendors_name_at_ones_own_price(team: Team, vendor: Sandbox) -> None:
    vendor.reset()
    own = ROUTER.replace("model: gpt-image-2}", "model: studio-image}").replace("gpt-image-2: {", "studio: {")
    team.write("router.yaml", f"{own}catalog: [studio.yaml]\n")
    team.write("policy.yaml", policy("draft").replace("gpt-image-2", "studio"))
    team.write("studio.yaml", CATALOG)
    with team.open() as router:
        bought = router.generate("a fox", request_id="first")
        assert (bought.deployment, bought.model) == ("studio", "studio-image")
        # Two tokens of text at $10 and 196 of picture at $60 a million: twice what the sandbox charges.
        assert bought.cost == usd("0.00002") + usd("0.01176")
        assert vendor.bill()["lines"][0]["model"] == "gpt-image-2"
        assert booked(router, "first").attempts[0].reserve.model == "studio-image"

        team.clock.sleep(2)
        team.write("studio.yaml", CATALOG.replace("image_out: 60", "image_out: 30"))
        router.reload()
        assert router.generate("a badger", request_id="second").cost == usd("0.00002") + usd("0.00588")


def test_an_edited_catalog_is_taken_up_like_any_other_file(team: Team) -> None:
    own = ROUTER.replace("model: gpt-image-2}", "model: studio-image}")
    team.write("router.yaml", f"{own}catalog: [studio.yaml]\n")
    team.write("studio.yaml", CATALOG)
    with team.open() as router:
        before = router.quote("a fox").price
        team.clock.sleep(100)
        team.replace("studio.yaml", CATALOG.replace("image_out: 60", "image_out: 30"))
        team.later()
        assert router.quote("a fox").price < before
        team.replace("studio.yaml", "vendor: [")
        team.later()
        assert router.quote("a fox").price < before
        assert team.log.named("config_not_reloaded")
