"""The interface as people see it: everything in reach, every character shown, every key at work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from builder.config import Config, Paths
from builder.questions.encode import task
from builder.questions.interface import interface
from builder.scheme import Scheme
from tests.browser.label_studio import browser_page, choose, log_in, mark, open_next_task, submit
from tests.conftest import connected
from tests.samples import scheme

pytestmark = [pytest.mark.studio, pytest.mark.browser]

NASTY = "\"A\" <b>&amp; $5 & 'q' $text {x}"
TEXT = "Japan and the United States agreed to expand joint production of interceptors, officials said. " * 7
NAMES = ("United States", "Japan", "Ukraine", "China", "Russia", "NATO", "European Union", "South Korea")
ANSWERS = {"neutral": "Neutral / mixed", "none": "Not addressed"}
# Which of the elements reach out of the part of the page that people see, and on how many lines each one lies.
_OUTSIDE = """elements => elements.filter(e => {
    const box = e.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !(box.width && top && (e.contains(top) || top.contains(e)));
}).map(e => e.innerText)"""
_AFTER = "element => getComputedStyle(element, '::after').content"
_LINES = "elements => elements.map(e => new Set([...e.children].map(c => c.getBoundingClientRect().y)).size)"
_CHOSEN = "elements => elements.map(e => [e.closest('.bd-target').querySelector('h4').innerText, e.innerText])"


def news(count: int, **changes: Any) -> Scheme:
    """Five entity labels, four answers, four problems, and as many targets as asked for."""
    given: dict[str, Any] = {
        "name": "layout",
        "entities": ["PERSON", "ORG", "GPE", "WEAPON", "EVENT"],
        "stance": {"favor": {}, "against": {}, **{key: {"title": words} for key, words in ANSWERS.items()}},
        "targets": {name.lower().replace(" ", "_"): [] for name in NAMES[:count]},
        "problems": {
            "garbled": "Garbled or boilerplate",
            "cut": "Cut off",
            "off": "Off topic",
            "unsure": "I am unsure",
        },
    }
    made = scheme(**{**given, **changes})
    for target, name in zip(made.questions["stance"].targets.values(), NAMES, strict=False):
        target.title = name
    return made


@pytest.fixture(scope="module")
def session(studio: Any) -> Iterator[tuple[Any, Any]]:
    """A client of the server, and a page on which its administrator is logged in."""
    config = Config(paths=Paths(workspace=str(studio.workspace)), label_studio=studio.settings, labels=news(1))
    with connected(config) as (server, client), browser_page() as page:
        assert server.vault is not None
        secrets = server.vault.secrets()
        log_in(page, server.url, secrets.admin_email, secrets.admin_password)
        yield client, page


@pytest.fixture
def show(session: tuple[Any, Any]) -> Callable[..., Any]:
    """Opens the only task of a new project: `show(scheme, targets)` gives the page, and what gives results."""
    client, page = session

    def opened(
        asked: Scheme,
        targets: list[str] | None = None,
        suggested: list[dict[str, Any]] | None = None,
    ) -> tuple[Any, Callable[[], Any]]:
        chunk = {
            "chunk_id": "c", "article_id": "a", "start": 0, "text": TEXT, "ordinal": 0, "context_before": "Before.",
            "context_after": "After.",
        }  # fmt: skip
        data = task(chunk, {"title": NASTY, "published": None, "source": "Desk"}, asked, targets=targets)
        project = client.post("api/projects", {"title": "layout", "label_config": interface(asked)})["id"]
        predictions = {"predictions": [{"model_version": "m", "result": suggested}]} if suggested else {}
        client.post(f"api/projects/{project}/import", [{"data": data, **predictions}])
        client.patch(f"api/projects/{project}/", {"model_version": "m" if suggested else ""})

        def results() -> Any:
            (found,) = client.get("api/tasks", {"project": project, "fields": "all"})["tasks"]
            return [annotation["result"] for annotation in found["annotations"]]

        page.set_viewport_size({"width": 1366, "height": 768})
        open_next_task(page, f"{client.url}/projects/{project}")
        return page, results

    return opened


@pytest.mark.parametrize("targets", [2, 8])
def test_every_question_is_in_reach_without_scrolling(show: Callable[..., Any], targets: int) -> None:
    page, _ = show(news(targets))
    assert page.locator(".bd-target").count() == targets
    for width, height in ((1366, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.locator(".bd-target .lsf-choices").evaluate_all(_LINES) == [1] * targets
        for what in (".bd-target label", ".bd-problems label", ".bd-comment textarea", ".bd-labels .lsf-label"):
            assert page.locator(what).evaluate_all(_OUTSIDE) == []
        assert page.locator(".bd-chunk .lsf-richtext__line").evaluate_all(_OUTSIDE) == []


def test_every_key_answers_its_question_only(show: Callable[..., Any]) -> None:
    page, results = show(news(8))
    keys = ["q", "s", "c", "o", "g", "n", "Shift+E", "Shift+F"]
    for key in keys:
        page.keyboard.press(key)
    chosen = page.locator(".bd-target label:has(.ant-radio-checked)").evaluate_all(_CHOSEN)
    answers = ["Favor", "Against", "Neutral / mixed", "Not addressed", "Favor", "Against"]
    answers += ["Neutral / mixed", "Not addressed"]
    assert [(target, words.split("[")[0].strip()) for target, words in chosen] == list(zip(NAMES, answers, strict=True))
    submit(page)
    (items,) = results()
    labels = ["favor", "against", "neutral", "none"] * 2
    assert [item["value"]["choices"] for item in items] == [[label] for label in labels]


def test_one_key_answers_the_rest_and_no_key_takes_an_answer_back(show: Callable[..., Any]) -> None:
    page, results = show(news(8))
    assert "rest [space]: Not addressed" in page.locator(".bd-rest h4").evaluate(_AFTER)
    for key in ("q", "s", "q", "s", "Shift+E", " "):
        page.keyboard.press(key)
    words = page.locator(".bd-comment textarea")
    words.press_sequentially("q = a")
    assert words.input_value() == "q = a"
    submit(page)
    (items,) = results()
    answers = {item["from_name"]: item["value"] for item in items}
    chosen = [answers[f"stance__{name.lower().replace(' ', '_')}"]["choices"] for name in NAMES]
    assert chosen == [["favor"], ["against"], ["none"], ["none"], ["none"], ["none"], ["neutral"], ["none"]]


def test_one_key_marks_the_same_words_everywhere(show: Callable[..., Any]) -> None:
    page, results = show(news(2))
    mark(page, "GPE", TEXT, "States agreed")
    mark(page, "ORG", TEXT, "Japan")
    page.keyboard.press("=")
    page.keyboard.press("=")
    page.keyboard.press(" ")
    submit(page)
    (items,) = results()
    spans = [(i["value"]["start"], i["value"]["end"], *i["value"]["labels"]) for i in items if i["type"] == "labels"]
    length = len(TEXT) // 7
    start = TEXT.index("States agreed")
    assert sorted(spans) == sorted(
        [(start, start + 13, "GPE"), *((n * length, n * length + 5, "ORG") for n in range(7))]
    )


def test_what_is_suggested_is_told_from_what_is_given(show: Callable[..., Any]) -> None:
    place = {"start": 0, "end": 5, "text": "Japan", "labels": ["GPE"]}
    said = [{"id": "r", "from_name": "entity", "to_name": "text", "type": "labels", "value": place}] + [
        {
            "id": target,
            "from_name": f"stance__{target}",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": [label]},
        }
        for target, label in (("united_states", "favor"), ("japan", "against"), ("ukraine", "none"))
    ]
    page, _ = show(news(4), suggested=said)
    suggested = page.locator(".bd-target.bd-suggested h4")
    page.wait_for_function("document.querySelectorAll('.bd-target.bd-suggested').length === 3")
    assert page.locator(".htx-highlight.bd-suggested").count() == 1
    page.keyboard.press("q")  # the one that is suggested
    choose(page, "Japan", "Favor")
    choose(page, "China", "Favor")
    page.wait_for_function("document.querySelectorAll('.bd-target.bd-suggested').length === 1")
    assert suggested.all_inner_texts() == ["Ukraine"]


def test_guidelines_move_nothing(show: Callable[..., Any]) -> None:
    page, _ = show(news(2, guidelines="**Mark** it. " * 300))
    assert "[=]" in page.locator(".bd-labels").evaluate(_AFTER)
    places = "elements => elements.map(e => e.getBoundingClientRect().y)"
    parts = page.locator(".bd-chunk, .bd-target, .bd-labels")
    before = parts.evaluate_all(places)
    page.click(".ant-collapse-header")
    page.wait_for_selector(".bd-guide")
    assert parts.evaluate_all(places) == before
    assert page.locator(".bd-chunk .lsf-richtext__line").evaluate_all(_OUTSIDE) == []


def test_an_unanswered_question_holds_the_submission(show: Callable[..., Any]) -> None:
    page, results = show(news(2))
    page.keyboard.press("q")
    page.click("button:has-text('Submit')")
    page.wait_for_selector("text=Choose the stance toward Japan.")
    assert results() == []


def test_any_character_is_shown_as_it_is(show: Callable[..., Any]) -> None:
    made = news(1, stance={"y": {"title": NASTY}}, absent="", problems={"p": NASTY}, guidelines=NASTY)
    made.questions["stance"].targets["united_states"].title = NASTY
    page, _ = show(made)
    page.click(".ant-collapse-header")
    for where in (".bd-title", ".bd-target h4", ".bd-target label", ".bd-problems label", ".bd-guide"):
        shown = page.locator(where).first.inner_text().replace("\N{WORD JOINER}", "")
        assert NASTY in shown


def test_an_article_shows_its_own_targets_and_no_empty_slots(show: Callable[..., Any]) -> None:
    page, results = show(news(1, targets=None, mode="article"), targets=["Hamas", NASTY])
    shown = [words for words in page.locator(".bd-target h4").all_inner_texts() if words]
    assert shown == ["1 · Hamas", f"2 · {NASTY}"]
    assert [page.locator(".bd-target").nth(n).is_visible() for n in (1, 2)] == [True, False]
    page.keyboard.press("q")
    page.keyboard.press("f")
    submit(page)
    ((first, second),) = results()
    assert (first["from_name"], first["value"]["choices"]) == ("stance__1", ["favor"])
    assert (second["from_name"], second["value"]["choices"]) == ("stance__2", ["none"])


def test_a_mention_is_asked_about_when_it_is_selected(show: Callable[..., Any]) -> None:
    page, results = show(news(1, targets=None, mode="mention"))
    assert not page.locator(".bd-mention_stance").first.is_visible()
    mark(page, "GPE", TEXT, "Japan")
    page.wait_for_selector(".bd-hint")
    page.locator("text=Japan").last.click()
    page.wait_for_selector(".bd-mention_stance label:has-text('Against')")
    page.keyboard.press("w")
    submit(page)
    ((marked, about),) = results()
    assert (marked["value"]["labels"], marked["value"]["text"]) == (["GPE"], "Japan")
    assert (about["id"], about["value"]["choices"]) == (marked["id"], ["against"])
