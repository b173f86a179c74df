"""The whole page of each mode, tag by tag, as it is kept in `pages/`; only the shared style sheet is left out."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builder import questions
from builder.questions import scheme_from
from builder.questions.interface import interface
from builder.scheme import Scheme

PAGES = Path(__file__).with_name("pages")
SHEET = Path(questions.__file__).with_name("interface.css").read_text(encoding="utf-8")


def asked(mode: str, **more: Any) -> Scheme:
    """Two entity labels, two stances toward what the mode asks about, evidence, a problem and a comment."""
    stance = {"labels": {"favor": {"title": "For", "description": "Likes"}, "none": {}}, "mode": mode, "max_targets": 2}
    wanted = {
        "entities": {"labels": {"GPE": {"description": "Places", "color": "#123456"}, "ORG": {}}},
        "stance": {**stance, **({"targets": {"japan": "Japan", "usa": {}}} if mode == "fixed" else {})},
        "evidence": {},
        **more,
        "problems": {"labels": {"cut": "Cut off"}},
        "comment": {},
    }
    guidelines = " Mark **it**. " if mode == "fixed" else ""
    return scheme_from({"name": "page", "questions": wanted, "guidelines": guidelines})


def outline(xml: str) -> str:
    """One line per tag with its attributes and words, indented; the style rules that follow the shared sheet."""

    def lines(tag: ET.Element, depth: int) -> Iterator[str]:
        words = (tag.text or "").removeprefix(f"\n{SHEET}").strip()
        attributes = [f'{name}="{value}"' for name, value in tag.attrib.items()]
        yield "  " * depth + " ".join([tag.tag, *attributes])
        yield from ("  " * depth + f"  | {line}" for line in words.splitlines())
        for part in tag:
            yield from lines(part, depth + 1)

    return "\n".join(lines(ET.fromstring(xml), 0)) + "\n"


def page(name: str) -> str:
    topic = {"kind": "choice", "title": "Topic", "labels": {"war": "War", "trade": {}}}
    frames = {"kind": "choice", "title": "Frames", "labels": {"risk": {}}, "many": True, "required": False}
    more = {"topic": topic, "frames": frames} if name == "fixed" else {}
    return outline(interface(asked(name, **more), review=name == "fixed"))


@pytest.mark.parametrize("name", ["fixed", "article", "mention"])
def test_the_page_has_these_tags_words_and_keys(name: str) -> None:
    assert page(name) == (PAGES / f"{name}.txt").read_text(encoding="utf-8")


def test_guidelines_are_above_the_text_where_nothing_is_asked_beside_it() -> None:
    made = scheme_from({"name": "n", "questions": {"entities": {"labels": {"A": {}}}}, "guidelines": "Read."})
    assert [line.strip() for line in outline(interface(made)).splitlines()[2:13]] == [
        'View className="bd-body"',
        'View className="bd-read"',
        'View className="bd-title"',
        'Header value="$title" size="5"',
        'View className="bd-byline"',
        'Header value="$byline" size="5"',
        'Collapse bordered="false"',
        'Panel value="Guidelines"',
        'View className="bd-guide"',
        "Markdown",
        "| Read.",
    ]
