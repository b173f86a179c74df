"""The report in a real Chromium: read by everybody, sorted by keys, printed whole, and no text of it does anything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from unittest import mock

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from builder import export, report
from builder.reporting.settings import Report
from tests.browser.label_studio import browser_page
from tests.reporting.campaign import Campaign
from tests.samples import Project

pytestmark = pytest.mark.browser

WIDTHS = (390, 820, 1366)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: On dark ground only colours differ, and on the public page all but colours.
CHECKED = {
    ("internal", "light"): {"runOnly": _RULES},
    ("internal", "dark"): {"runOnly": {"type": "rule", "values": ["color-contrast"]}},
    ("public", "light"): {"runOnly": _RULES, "rules": {"color-contrast": {"enabled": False}}},
    ("empty", "light"): {"runOnly": _RULES},
}
#: Of what is there many times, axe-core reads the first few: its time grows faster than the page.
_FIRST = """() => {
    const keep = (within, most) => [...within].slice(most).forEach((one) => one.remove());
    document.querySelectorAll("tbody").forEach((body) => keep(body.rows, 1));
    document.querySelectorAll(".text").forEach((text) => keep(text.childNodes, 8));
    keep(document.querySelectorAll("article"), 1);
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The internal and the public page of the campaign, and the page of a project that has no articles yet."""
    made = Campaign(tmp_path_factory.mktemp("browsed"))
    made.pull()
    with mock.patch("builder.release.export.check_loads"):
        released = export(made.config)
    made.config.report = Report(output=str(tmp_path_factory.mktemp("out") / "internal.html"))
    empty = Project(tmp_path_factory.mktemp("empty"), articles=0)
    return {
        "internal": report(made.config).file,
        "public": released.folder / "report.html",
        "empty": report(empty.config).file,
    }


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser_page() as opened:
        yield opened


@pytest.mark.parametrize(("which", "colours"), CHECKED)
def test_nothing_keeps_anybody_from_reading_it(
    page: Page, pages: dict[str, Path], which: str, colours: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=colours)
    page.goto(pages[which].as_uri())
    page.evaluate(_FIRST)
    found = Axe().run(page, options=CHECKED[which, colours]).response["violations"]
    assert [(rule["id"], rule["impact"], rule["nodes"][0]["html"][:200]) for rule in found] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(page: Page, pages: dict[str, Path], width: int) -> None:
    """Wide tables scroll in their own frame, which keys reach; the page itself never scrolls sideways."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(pages["internal"].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.locator(".scroll").evaluate_all(
        "all => all.filter((one) => one.scrollWidth > one.clientWidth && one.tabIndex !== 0).length"
    )
    assert wide == 0


def test_tables_sort_by_keys_and_say_so(page: Page, pages: dict[str, Path]) -> None:
    page.goto(pages["internal"].as_uri())
    table = page.locator("table", has=page.locator("caption", has_text="Annotators")).first
    head = table.get_by_role("columnheader", name="median seconds")
    head.get_by_role("button").focus()
    names = table.locator("tbody th")
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert names.all_inner_texts() == ["anno-fast", "anno-careful", "anno-drift", "anno-confused", "anno-slow"]
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert names.all_inner_texts()[0] == "anno-slow"
    table.get_by_role("columnheader", name="annotator", exact=True).get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert names.all_inner_texts() == sorted(names.all_inner_texts())


def test_what_is_not_known_sorts_last_both_ways(page: Page, pages: dict[str, Path]) -> None:
    page.goto(pages["internal"].as_uri())
    table = page.locator("table", has=page.locator("caption", has_text="Labels of stance beside the rest")).first
    page.evaluate("t => t.tBodies[0].rows[0].cells[2].dataset.sort = ''", table.element_handle())
    unknown = table.locator("tbody th").first.inner_text()
    head = table.get_by_role("columnheader", name="others agree").get_by_role("button")
    for _ in range(2):
        head.press("Enter")
        assert table.locator("tbody th").last.inner_text() == unknown


def test_the_first_key_leads_to_the_content_and_links_stay_inside(page: Page, pages: dict[str, Path]) -> None:
    page.goto(pages["internal"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    links = page.locator("a[href^='#']").evaluate_all("all => all.map((one) => one.getAttribute('href').slice(1))")
    assert len(links) > 10
    there = page.evaluate("ids => ids.filter((id) => !document.getElementById(id))", links)
    assert there == []


def test_hostile_texts_do_nothing_and_nothing_is_fetched(page: Page, pages: dict[str, Path]) -> None:
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(pages["internal"].as_uri())
    assert page.title() == "campaign: report"
    assert page.locator("h1").all_inner_texts() == ["campaign"]
    assert asked == [pages["internal"].as_uri()]
    assert errors == []


def test_on_paper_all_of_it_is_there(page: Page, pages: dict[str, Path]) -> None:
    page.goto(pages["internal"].as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible()
    hidden = page.locator(".scroll").evaluate_all(
        "all => all.filter((o) => getComputedStyle(o).overflowX !== 'visible')"
    )
    assert hidden == []
    # The width of A4 between margins of 12 mm: nothing is cut.
    page.set_viewport_size({"width": 703, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    page.emulate_media(media="screen")


def test_without_scripts_it_is_complete(pages: dict[str, Path], page: Page) -> None:
    browser = page.context.browser
    assert browser
    plain = browser.new_page(java_script_enabled=False)
    plain.goto(pages["internal"].as_uri())
    assert plain.locator("th button").count() == 0
    assert "anno-slow" in plain.locator("#progress").inner_text()
    plain.close()
