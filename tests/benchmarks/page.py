"""Keys and clicks that 20 chunks take on the page of a real Label Studio, with and without the keys that we add to it.

Both times the same names are marked in every place, and the same stances given. Without our keys, that is the least
that the page takes: a key and a stroke of the mouse per name, a key per stance, one to submit.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page

from builder import pipeline, run
from builder.studio.embedded.server import stop_server
from builder.studio.people import ensure_accounts
from builder.text import mentions
from tests.benchmarks.ratios import Report
from tests.browser.label_studio import browser_page, log_in, mark, open_next_task
from tests.composing import composed
from tests.conftest import connected

CHUNKS = 20
NAMES = {
    **dict.fromkeys(("Japan", "Tokyo", "Ukraine", "Kyiv", "United States", "Washington", "China", "Beijing"), "GPE"),
    **dict.fromkeys(("Boeing", "Mitsubishi Heavy Industries", "NATO", "Raytheon", "Lockheed Martin"), "ORG"),
    **dict.fromkeys(("Patriot", "PAC-3 MSE", "AMRAAM"), "WEAPON"),
}
#: Keys of "neutral" and of "not addressed" per target of the shipped scheme, and words by which a text mentions it.
TARGETS = {
    ("e", "r"): ("United States", "Washington", "American", "Pentagon"),
    ("d", "f"): ("Japan", "Japanese", "Tokyo"),
    ("c", "v"): ("Ukraine", "Kyiv"),
    ("i", "o"): ("China", "Beijing"),
}


def annotate(page: Page, ours: bool) -> int:
    """Answers everything about the chunk that the page shows; how many keys and strokes that took."""
    text = page.evaluate("Htx.task.dataObj.text")
    actions, alike = 0, set[str]()
    for found in mentions(NAMES).finditer(text):
        words = found[0]
        if words in alike:
            continue
        mark(page, NAMES[words], text, words, found.start())
        actions += 2
        if ours and len(mentions([words]).findall(text)) > 1:
            page.keyboard.press("=")
            actions += 1
            alike.add(words)
    keys = [
        neutral if mentions(names).search(text) else absent
        for (neutral, absent), names in TARGETS.items()
        if not ours or mentions(names).search(text)
    ]
    for key in [*keys, *([" "] if ours and len(keys) < len(TARGETS) else [])]:
        page.keyboard.press(key)
        actions += 1
    task = page.evaluate("Htx.task.id")
    with page.expect_response(lambda r: "/annotations" in r.url and r.request.method == "POST") as saved:
        page.keyboard.press("Control+Enter")
    said = saved.value.request.post_data_json["result"]
    marked = [item for item in said if item["type"] == "labels"]
    wanted = [(found.start(), found[0]) for found in mentions(NAMES).finditer(text)]
    assert sorted((item["value"]["start"], item["value"]["text"]) for item in marked) == wanted
    assert len(said) == len(marked) + len(TARGETS), "a stance is missing"
    page.wait_for_function("before => Htx.task && Htx.task.id !== before", arg=task)
    page.wait_for_selector(".bd-chunk .lsf-richtext__line")
    return actions + 1


def main() -> None:
    report, actions = Report(), {}
    with tempfile.TemporaryDirectory() as folder:
        for ours in (False, True):
            where = Path(folder)
            name = "ours" if ours else "plain"
            paths = (
                f"paths.workspace='{where}/ws'",
                f"paths.exports='{where}/out'",
                f"dataset.name={name}",
                "label_studio.boot_timeout=900",
            )
            config = composed(*paths, "annotators.overlap=1")
            url = run(config).progress.projects["all"].url
            with connected(config) as (server, client):
                ((email, password),) = ensure_accounts(server.vault, client, pipeline.campaign(config).people).items()
                with browser_page(height=4000) as page:  # nothing has to be scrolled to
                    log_in(page, server.url, email, password)
                    open_next_task(page, url)
                    actions[ours] = sum(annotate(page, ours) for _ in range(CHUNKS))
            print(f"{name}: {actions[ours]} keys and strokes for {CHUNKS} chunks", flush=True)  # noqa: T201
        stop_server(pipeline.campaign(config).vault)
    report.at_most("label_studio.page_actions", actions[True] / actions[False], 0.85)
    report.finish()


if __name__ == "__main__":
    main()
