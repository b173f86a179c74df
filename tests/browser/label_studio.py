"""What an annotator does in Label Studio's pages, driven in a real Chromium."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as TooSlow

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# Where a stretch of text stands on the page: the middle of its first and of its last character.
_POINTS = """([root, start, end]) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const at = (index) => {
        walker.currentNode = root;
        for (let node = walker.nextNode(), left = index; node; node = walker.nextNode()) {
            if (left < node.length) { return [node, left]; }
            left -= node.length;
        }
    };
    const box = (index) => {
        const range = document.createRange();
        const [node, offset] = at(index);
        range.setStart(node, offset);
        range.setEnd(node, offset + 1);
        return range.getBoundingClientRect();
    };
    const [first, last] = [box(start), box(end - 1)];
    return [first.left + 0.5, first.top + first.height / 2, last.right - 0.5, last.top + last.height / 2];
}"""


@contextlib.contextmanager
def browser_page(width: int = 1366, height: int = 768) -> Iterator[Page]:
    """A page of a fresh Chromium; skips the test, with the reason, where there is none (CI requires it)."""
    if CHROMIUM is None:
        reason = "Chromium is not installed; on Debian: apt-get install chromium"
        if os.environ.get("BUILDER_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def log_in(page: Page, url: str, email: str, password: str) -> None:
    """The session of the page is that of the account.

    The form is sent without a page, whose script might change it while it is filled in.
    """
    place = f"{url}/user/login/"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.request.get(place).text())
    assert token is not None
    form = {"email": email, "password": password, "csrfmiddlewaretoken": token[1]}
    done = page.request.post(place, form=form, headers={"Referer": place}, max_redirects=0)
    assert done.status == 302, done.text()


def open_next_task(page: Page, project_url: str) -> None:
    """The labeling page shows the next task of the project."""
    page.goto(f"{project_url.rstrip('/')}/data?labeling=1")
    page.wait_for_selector(".bd-chunk .lsf-richtext__line")


def mark(page: Page, label: str, text: str, words: str, at: int | None = None) -> None:
    """`words` is marked with a label, by the mouse as people do it: at a place in the chunk's text, or the first."""
    page.click(f".bd-labels .lsf-label:has-text('{label}')")
    line = page.locator(".bd-chunk .lsf-richtext__container")
    # The page counts UTF-16 units where we count code points, and shows line breaks as elements, not as text.
    before = text[: text.index(words) if at is None else at].replace("\n", "")
    start, length = (len(part.encode("utf-16-le")) // 2 for part in (before, words))
    x1, y1, x2, y2 = line.evaluate(f"(root, span) => ({_POINTS})([root, ...span])", [start, start + length])
    page.mouse.move(x1, y1)
    page.mouse.down()
    page.mouse.move(x2, y2, steps=12)
    page.mouse.up()


def choose(page: Page, target: str, stance: str) -> None:
    """The stance toward a target is chosen."""
    page.click(f".bd-target:has(h4:has-text('{target}')) label:has-text('{stance}')")


def refused(page: Page, message: str) -> None:
    """Submit is answered by a dialog with a message; the dialog is closed."""
    page.click("button:has-text('Submit')")
    dialog = page.locator(".ant-modal-wrap", has_text=message)
    dialog.wait_for()
    # While the dialog opens, a click may reach nothing.
    while dialog.is_visible():
        with contextlib.suppress(TooSlow):
            dialog.get_by_role("button", name="OK").click(timeout=5_000)
            dialog.wait_for(state="hidden", timeout=5_000)


def submit(page: Page) -> None:
    """The annotation is saved on the server."""
    with page.expect_response(lambda r: "/annotations" in r.url and r.request.method == "POST") as saved:
        page.click("button:has-text('Submit')")
    assert saved.value.status == 201, saved.value.text()
