"""Everything that is planted in the campaign can be read from the page by whoever sees its text alone."""

import html
import re
from pathlib import Path
from unittest import mock

import pytest

from builder import export, report
from tests.reporting.campaign import COMMENT, EMAILS, HOSTILE, NAMED, PEOPLE, Campaign
from tests.test_reports import shown


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The page after a release and a correction that is released as well, and the public page of the first release."""
    made = Campaign(tmp_path_factory.mktemp("planted"))
    with mock.patch("builder.release.export.check_loads"):
        made.pull()
        public = export(made.config).folder / "report.html"
        made.pull(True)
        # Of the two public pages, the first is looked at.
        with mock.patch("builder.reports.public_page", return_value=""):
            export(made.config)
    return report(made.config).file, public


@pytest.fixture(scope="module")
def page(pages: tuple[Path, Path]) -> Path:
    return pages[0]


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    return shown(page)


def row(text: str, *cells: str) -> bool:
    """Whether these cells follow one another, as they do in a row of a table."""
    return " ".join(cells) in text


def test_who_is_slow_who_drifts_and_who_is_careless(text: str) -> None:
    assert re.search(r"anno-slow slow\.person@example\.org .{20,90} slower than most: 5\.6 times", text)
    # chunks, straight-lining, drift, fast-answer, fast-empty, failed-questions, right on gold questions
    assert row(text, "anno-drift", "34", "0", "1", "0", "0", "0", "–", "drift: 76% of the answers moved")
    assert row(text, "anno-fast", "16", "1", "0", "16", "0", "0", "–", "straight-lining: 16 of 16 chunks")
    assert row(text, "anno-careful", "34", "0", "0", "0", "0", "0", "–", "nothing found")
    assert row(text, "fast-answer", "warning", "16", "16", "1", "An annotation with answers was submitted in less")


def test_which_labels_are_confused_and_where(text: str) -> None:
    assert row(text, "GPE / ORG", "another label: entity", "112", "33")
    assert row(text, "ORG", "other bounds: entity", "36", "10")
    assert row(text, "the Ministry", "another label, other bounds", "GPE", "ORG", "ORG “Ministry”")
    assert row(text, "Zoë Adeyemi 👩‍✈️", "missed", "PERSON", "nothing", "PERSON")


def test_texts_of_all_scripts_are_whole_and_spans_may_nest_and_cross(text: str, page: Path) -> None:
    for name in ("arabic", "hebrew", "chinese"):
        words = re.sub(r"(ORG|GPE) ?", "", text).replace(" ", "")
        assert NAMED[name][0].replace(" ", "") in words
    place = "Ministry of Defence of Ukraine Office for Japan Relations"
    said = "GPE “Ministry of Defence of Ukraine”; GPE “Ukraine Office for Japan Relations”; GPE “Ukraine”; GPE “Japan”"
    assert row(text, place, "another label", said)
    long = max(re.findall(r'<div class="text"[^>]*>(.*?)</div>', page.read_text("utf-8"), re.DOTALL), key=len)
    plain = re.sub(r"<bdi.*?</bdi>|<[^>]+>", "", long)
    assert html.unescape(plain) == NAMED["long"][0]


def test_hostile_texts_are_shown_and_do_nothing(text: str, page: Path) -> None:
    names = {"\u202e": "⟪RLO⟫", "\u202c": "⟪PDF⟫", "\u2067": "⟪RLI⟫"}
    comment = COMMENT
    for turning, name in names.items():
        comment = comment.replace(turning, name)
    assert text.count(comment) >= 2  # in the list of comments, and at its chunk
    raw = page.read_text("utf-8")
    assert [hostile for hostile in HOSTILE if hostile in raw] == [HOSTILE[2]]  # only a template would make it 1337
    assert "1337" not in text
    assert not set(names) & set(raw)
    assert raw.count("<script") == raw.count("<h1") == raw.count("</main>") == 1


def test_what_is_left_out_what_waits_and_what_the_gates_say(text: str) -> None:
    assert row(text, "near-duplicate", "2", "news.jsonl: nearly the same as record 0")
    assert row(text, "Title of 0 · Title of copy 1 · Title of copy 2", "3", "Harbour Post, Quay & Sons <Gazette>")
    assert row(text, "ar", "1", "1", "1", "1")
    assert row(text, "10,000 to 19,999", "1", "1", "1", "1")
    assert row(text, "in quarantine", "1", "1", "'SHIP' is no entity label")
    assert row(text, "stance: japan", "6", "6", "none 2, against 1, favor 1")
    assert row(text, "min_span_f1", "all", "does not hold")
    assert "2 annotations have a comment or a reported problem: garbled 1, unsure 1." in text


def test_what_changed_since_the_last_release(text: str) -> None:
    assert "v1.0.1, after v1.0.0. There are 2: v1.0.0, v1.0.1." in text
    assert row(text, "entities", "0", "0", "0", "1")
    assert row(text, "stance", "0", "0", "1", "0")
    assert row(text, "moved", "PERSON 42-54 'Maren Okafor'", "PERSON 48-54 'Okafor'")
    assert row(text, "none -> neutral", "none", "neutral")


def test_the_page_names_people(text: str) -> None:
    assert all(email in text for email in EMAILS)


def test_names_addresses_comments_and_texts_stay_inside(pages: tuple[Path, Path]) -> None:
    """The public page has nobody's name, and no text that the release does not hold."""
    public = pages[1]
    raw, text = public.read_text("utf-8"), shown(public)
    assert not [email for email in EMAILS if email in raw or email.partition(".")[0] + ".person" in raw]
    assert COMMENT not in text
    assert not [words for words in HOSTILE if words in text]
    # Stretches of five words of any article.
    for words in (body[: body.index(" ", 40)] for body, *_ in NAMED.values() if " " in body[40:]):
        assert words not in text
    assert all(name in text for name in PEOPLE)
    assert "Corpus" in text
    assert "Stance: favor" not in text
