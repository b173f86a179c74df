"""The XML holds what the scheme asks, and any character as data."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from builder.questions import scheme_from
from builder.questions.entities import PALETTE, Entities
from builder.questions.interface import interface, scheme_of
from builder.questions.migrate import changes
from builder.questions.stance import MODES
from builder.scheme import Label, Scheme
from tests.samples import scheme as sample_scheme

Schemes = Callable[..., Scheme]

NASTY = "\"A\" <b>&amp; $5 & 'q' — 日本 $text {x} ]]> \U0001f680"


def controls(xml: str) -> dict[str, ET.Element]:
    """Every element with a name, by its name."""
    return {e.get("name", ""): e for e in ET.fromstring(xml).iter() if e.get("name")}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("plain", [True, False])
def test_label_studio_takes_it_in_every_mode(make: Schemes, mode: str, plain: bool) -> None:
    changes = {} if plain else {"evidence": False, "comment": False, "problems": {}, "guidelines": "**Mark** it."}
    LabelInterface(interface(make(mode=mode, **changes))).validate()


def test_one_of_both_is_enough(make: Schemes) -> None:
    only_spans = interface(make(stance=[], problems=[], migrations={}))
    assert set(controls(only_spans)) == {"entity", "before", "text", "after", "comment"}
    only_stances = make(entities=[], evidence=False, migrations={})
    found = set(controls(interface(only_stances)))
    assert found == {"before", "text", "after", "stance__japan", "stance__china", "problem", "comment"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("less", [{}, {"evidence": False, "comment": False}, {"problems": {}}, {"max_targets": 3}])
def test_an_interface_tells_its_scheme(make: Schemes, mode: str, less: dict[str, Any]) -> None:
    asked = make(mode=mode, migrations={}, **less)
    found = scheme_of(interface(asked))
    assert changes(found, asked).none
    assert changes(asked, found).none


def test_an_interface_without_spans_or_without_stances_tells_its_scheme(make: Schemes) -> None:
    only_spans = make(stance=[], problems=[], migrations={})
    only_stances = make(entities=[], evidence=False, migrations={})
    for asked in (only_spans, only_stances):
        found = scheme_of(interface(asked))
        assert changes(found, asked).none
        assert changes(asked, found).none
    by_hand = scheme_of("<View><Labels name='entity' toName='text'><Label value='New event'/></Labels></View>")
    assert changes(by_hand, only_spans).removals == ["entity label New event"]


def test_stances_are_required_single_choices_with_aliases_and_keys(scheme: Scheme) -> None:
    asked = controls(interface(scheme))["stance__japan"]
    assert (asked.get("choice"), asked.get("required"), asked.get("toName")) == ("single-radio", "true", "text")
    assert [(c.get("alias"), c.get("hotkey")) for c in asked] == [("favor", "q"), ("against", "w"), ("none", "e")]


def test_spans_are_marked_by_character(scheme: Scheme) -> None:
    assert controls(interface(scheme))["text"].get("granularity") == "symbol"


def test_only_the_first_slot_of_an_article_is_required(make: Schemes) -> None:
    found = controls(interface(make(mode="article", max_targets=3)))
    assert [found[f"stance__{n}"].get("required") for n in (1, 2, 3)] == ["true", None, None]
    assert [c.get("alias") for c in found["evidence_target"]] == ["1", "2", "3"]


def test_a_mention_is_asked_about_while_it_is_selected(make: Schemes) -> None:
    found = controls(interface(make(mode="mention")))
    asked = found["mention_stance"]
    assert (asked.get("perRegion"), asked.get("required"), asked.get("whenLabelValue")) == (
        "true",
        "true",
        "PERSON,GPE",
    )
    assert not [name for name in found if name.startswith("stance__")]
    assert "evidence_target" not in found


def test_colours_are_kept_or_chosen_once_each(scheme: Scheme) -> None:
    labels = {**{f"L{n}": Label() for n in range(6)}, "MINE": Label(color=PALETTE[1].upper())}
    found = Entities(labels=labels).colors()
    assert found["MINE"] == PALETTE[1].upper()
    assert len({color.lower() for color in found.values()}) == 7


def views(xml: str) -> list[str]:
    return [e.get("className", "") for e in ET.fromstring(xml).iter("View")]


def test_the_page_knows_which_answer_is_for_what_is_not_addressed(make: Schemes) -> None:
    xml = interface(make(stance={"favor": {}, "none": {"title": 'No "a\\b" <x>'}}, migrations={}))
    assert "bd-targets bd-rest-2" in views(xml)
    style = next(e for e in ET.fromstring(xml).iter("Style")).text or ""
    assert 'content: "rest [space]: No \\22 a\\5c b\\22  \\3c x\\3e "' in style
    without = views(interface(make(absent="")))
    assert "bd-targets" in without
    assert not [name for name in without if "bd-rest-" in name]


def test_each_answer_has_its_colour_and_a_short_hint_for_shift(make: Schemes) -> None:
    labels = {f"s{n}": {"color": "#123456"} if n == 1 else {} for n in range(4)}
    xml = interface(make(stance=labels, targets={f"t{n}": [] for n in range(8)}, absent="s3", migrations={}))
    style = next(e for e in ET.fromstring(xml).iter("Style")).text or ""
    tints = [f".bd .bd-stance__t7 .lsf-choice:nth-child({n}) {{ --bd-tint: {c}; }}" for n, c in enumerate(
        ("#15803d", "#123456", "#b91c1c", "#64748b"), start=1
    )]  # fmt: skip
    assert all(rule in style for rule in tints)
    assert '.bd .bd-stance__t6 .lsf-choice:nth-child(1) sup::after { content: "[⇧q]"; }' in style
    assert ".bd-stance__t5 .lsf-choice:nth-child(1) sup" not in style


def test_an_expert_has_to_say_that_all_was_decided(scheme: Scheme) -> None:
    page = interface(scheme, review=True)
    LabelInterface(page).validate()
    asked = controls(page)["decided"]
    assert (asked.get("choice"), asked.get("required"), [c.get("alias") for c in asked]) == (
        "multiple",
        "true",
        ["yes"],
    )
    assert '<Markdown value="$review"' in page
    assert "decided" not in controls(interface(scheme))
    assert changes(scheme_of(page), scheme_of(interface(scheme))).none


def test_any_character_is_data() -> None:
    scheme = scheme_from({
        "name": "nasty",
        "questions": {
            "entities": {"labels": {"X": {"description": NASTY}}},
            "stance": {
                "labels": {"yes": {"title": NASTY, "description": NASTY}}, "targets": {"a": NASTY}, "absent": "",
            },
            "problems": {"labels": {"p": NASTY}},
        },
        "guidelines": NASTY,
    })  # fmt: skip
    xml = interface(scheme)
    LabelInterface(xml).validate()
    found = controls(xml)
    answer = found["stance__a"][0]
    for words in (answer.get("value"), answer.get("hint"), found["problem"][0].get("value")):
        assert words is not None
        # The joiner keeps the dollar sign from naming a field of the task.
        assert words.replace("\N{WORD JOINER}", "") == NASTY
        assert "$t" not in words


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1))
def test_whatever_is_written_is_read_back(words: str) -> None:
    scheme = sample_scheme(entities=[], stance={"yes": {"title": words}}, targets={"a": []}, absent="", evidence=False)
    answer = controls(interface(scheme))["stance__a"][0]
    assert (answer.get("value") or "").replace("\N{WORD JOINER}", "") == words.replace("\N{WORD JOINER}", "")


def test_the_style_sheet_survives_escaping(scheme: Scheme) -> None:
    # The page takes the sheet as it stands in the XML, so an escaped character would break a rule.
    style = next(e for e in ET.fromstring(interface(scheme)).iter("Style")).text or ""
    assert not set("<>&") & set(style)
    assert style.count("{") == style.count("}")


def test_the_same_scheme_gives_the_same_interface(scheme: Scheme) -> None:
    assert interface(scheme) == interface(replace(scheme))
