"""Title, summary, body and trailer are told apart, and nothing is invented where there is none."""

import pytest

from builder.corpus.layout import Layout, Recogniser, line_hash, shifted
from builder.corpus.settings import Boilerplate, Cleaning
from builder.offsets import edit

BODY = [
    "The two governments agreed on Monday to build a second line for the interceptors, officials of both sides said.",
    "It is to open within three years and to double what the first one makes, says a statement after the talks.",
    "Analysts doubt that, because the seekers come from a single factory which has been sold out for many months now.",
]
SUMMARY = ["A second line is to be built.", "It doubles the output.", "Seekers stay the bottleneck."]


def parts(lines: list[str], settings: Cleaning | None = None, **known: str) -> tuple[Layout, str, str]:
    """The layout, the summary and the body."""
    text = "\n".join(lines)
    layout = Recogniser(settings or Cleaning()).recognise(text, known.get("title"), known.get("source"))
    kept, _ = edit(text, layout.cuts)
    at = shifted(layout.body, layout.cuts)
    return layout, kept[:at].rstrip(), kept[at:]


def test_all_parts_of_an_article_are_found() -> None:
    layout, summary, body = parts(["Allies to build more", *SUMMARY, *BODY, "Read the original article on Daily News"])
    assert layout.title == "Allies to build more"
    assert summary == "\n".join(SUMMARY)
    assert body == "\n".join(BODY)
    assert layout.trailer == "Read the original article on Daily News"
    assert layout.source == "Daily News"


def test_a_body_alone_stays_whole() -> None:
    layout, summary, body = parts(BODY)
    assert (layout.title, layout.trailer, layout.source, summary) == (None, None, None, "")
    assert body == "\n".join(BODY)


def test_bullets_after_the_title_are_the_summary() -> None:
    bullets = ["- First point made here", "- Second point made here"]
    assert parts(["A title", *bullets, "Short body.", "Also short."])[1] == "\n".join(bullets)


def test_a_body_of_short_lines_has_no_summary() -> None:
    assert parts(["A title", "One.", "Two.", "Three.", "Four.", "Five.", "Six."])[1] == ""


def test_a_known_title_is_cut_only_when_the_text_repeats_it() -> None:
    assert parts(["Known — title!", *BODY], title="Known title")[2] == "\n".join(BODY)
    assert parts(["Something else", *BODY], title="Known title")[2] == "\n".join(["Something else", *BODY])


def test_the_record_names_the_source_before_the_trailer_does() -> None:
    assert parts(["T", *BODY, "Read the full story at Elsewhere"], source="Agency")[0].source == "Agency"


def test_several_trailer_lines_are_cut_together() -> None:
    lines = ["(Reporting by A. Writer; Editing by B. Other)", "© 2024 Agency. All rights reserved."]
    layout, _, body = parts(["Title", *BODY, *lines])
    assert layout.trailer == "\n".join(lines)
    assert body == "\n".join(BODY)


def test_an_article_never_is_all_trailer() -> None:
    assert parts(["All rights reserved."])[2] == "All rights reserved."


@pytest.mark.parametrize(("source", "cut"), [("Daily News", True), ("Other", False)])
def test_boilerplate_is_cut_for_its_source(source: str, cut: bool) -> None:
    settings = Cleaning(boilerplate={"ad": Boilerplate(line="ADVERTISEMENT", source="Daily")})
    lines = ["Title", BODY[0], "ADVERTISEMENT", *BODY[1:]]
    assert ("ADVERTISEMENT" not in parts(lines, settings, source=source)[2]) is cut


def test_repeated_lines_are_cut_and_the_rest_reads_on() -> None:
    text = "\n".join([BODY[0], "Share this", "Print", BODY[1], "Share this"])
    layout = Recogniser(Cleaning(title=False)).recognise(
        text, None, None, frozenset({line_hash("SHARE THIS"), line_hash("print")})
    )
    assert edit(text, layout.cuts)[0] == f"{BODY[0]}\n{BODY[1]}"
