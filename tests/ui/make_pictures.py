"""Draws the pictures of ``docs/reports.md``: the report page of a made-up month, in the machine's own Chromium.

python -m tests.ui.make_pictures
"""

from __future__ import annotations

import io
import random
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from routing.assembly import load_config
from routing.cli.spend_asked import Asked
from routing.cli.spend_page import write_page
from routing.core.budgets import Purchase, claims_for
from routing.core.spend import SpendQuery
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import cache_hit, record, reservation, settle
from tests.ui.conftest import NAMES

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from routing.config.load import RouterConfig
    from routing.ledger.base import Store

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
START, NOW = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 21, 16, 20, tzinfo=UTC)
WIDTH, HEIGHT, MARGIN = 1000, 975, 20
COLOURS = 64
LOST, REPEATED = 0.004, 0.05
PRICES = {
    "draft": ("flux-schnell", 3_000_000),
    "review": ("gpt-image-2", 52_700_000),
    "final": ("gpt-image-2", 210_800_000),
}
CAMPAIGNS = ("spring-launch", "spring-launch", "autumn-lookbook", "newsletter")
LIMITS = {"limit: 500,": "limit: 40,", "limit: 150,": "limit: 15,"}
"""Budgets that a month like this has a use for."""


def a_month(store: Store, config: RouterConfig) -> None:
    """Fill a ledger: busy working days, quiet weekends, now and then a call that nobody knows the outcome of."""
    chance = random.Random(11)
    for day in range(21):
        noon = START + timedelta(days=day, hours=9)
        for number in range(chance.randint(45, 90) // (8 if noon.weekday() > 4 else 1)):
            importance = chance.choices(("draft", "review", "final"), (82, 12, 6))[0]
            deployment, nusd = PRICES[importance]
            tags = {"campaign": chance.choice(CAMPAIGNS)}
            at = min(noon + timedelta(minutes=chance.randint(0, 500)), NOW)
            purchase = Purchase(importance=importance, deployment=deployment, operation="generate", tags=tags)
            claims = claims_for(config.settings.budgets, purchase, config.settings.policy.importance, at)
            asset, request_id = f"{tags['campaign']}-{chance.randint(1, 9)}", f"{day}-{number}"
            asked = record(request_id, at=at, importance=importance, asset=asset, tags=tags)
            if chance.random() < REPEATED:
                store.record_cached(asked, cache_hit(request_id, nusd, at=at, deployment=deployment))
                continue
            store.reserve(
                asked,
                [reservation(nusd, *claims, request_id=request_id, at=at, deployment=deployment)],
            )
            lost = chance.random() < LOST
            outcome = {
                "unconfirmed": lost,
                "images": 0 if lost else 1,
                "reason": "no answer within 360 s" if lost else "",
            }
            store.resolve(settle(f"{request_id}/1", nusd, at=at, **outcome))


def page(folder: Path) -> Path:
    """Write the page of that month."""
    config = (ROOT / "router.yaml").read_text(encoding="utf-8")
    for limit, other in LIMITS.items():
        config = config.replace(limit, other)
    (folder / "router.yaml").write_text(config, encoding="utf-8")
    shutil.copytree(ROOT / "policies", folder / "policies")
    store = SqliteStore.open(folder / "spend.db")
    a_month(store, load_config(folder / "router.yaml", {}, NOW.date()))
    store.close()
    asked = Asked(query=SpendQuery(since=START), config=folder / "router.yaml", now=NOW, as_json=False, as_csv=False)
    target = folder / "report.html"
    note = "A made-up month. Amounts are US dollars at the vendors' published prices."
    write_page(asked, target, title="November: pictures and what they cost", note=note, baseline=None, thumbnails=False)
    return target


def photograph(target: Path) -> dict[str, bytes]:
    """Take pictures of the top of a page, of its budgets, and of its campaigns in the dark."""
    program = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(target.as_uri())
        taken = {"report.png": tab.screenshot(), "budgets.png": _section(tab, "Budgets")}
        tab.emulate_media(color_scheme="dark")
        taken["campaigns.png"] = _section(tab, "By campaign")
        browser.close()
    return taken


def _section(tab: Page, heading: str) -> bytes:
    """Take a picture of a section, with some air around it."""
    box = tab.locator("section", has=tab.get_by_role("heading", name=heading, exact=True)).bounding_box()
    if box is None:
        raise LookupError(f"the page has no section {heading!r}")
    return tab.screenshot(
        full_page=True,
        clip={"x": 0, "y": box["y"] - MARGIN, "width": WIDTH, "height": box["height"] + 2 * MARGIN},
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        taken = photograph(page(Path(folder)))
    PICTURES.mkdir(exist_ok=True)
    for name, data in taken.items():
        drawn = Image.open(io.BytesIO(data)).convert("RGB")
        drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    main()
