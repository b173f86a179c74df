"""Review cases: which chunks go to an expert, why, and what is suggested there, without names."""

from typing import Any

import pytest

from builder.quality.adjudication import adjudicate
from builder.quality.review_cases import ReviewCase, review_cases
from builder.quality.settings import Aggregation, Quality
from builder.tables import ISSUES, build
from tests.quality.helpers import BOTH, asking, frames, topic
from tests.samples import Crowd, scheme


def cases(crowd: Crowd, made: Any = None, issues: list[dict[str, object]] | None = None) -> list[ReviewCase]:
    tables = (crowd.annotations, crowd.spans, crowd.answers)
    gold = adjudicate(*tables, crowd.windows, Aggregation(), Quality(), {})
    found = build(issues or [], ISSUES)
    return review_cases(*tables, found, gold.gold_spans, gold.gold_answers, crowd.windows, made or scheme())


def conflict(chunk: str = "c", **first: Any) -> Crowd:
    """Two annotators who differ about Japan."""
    crowd = Crowd().add(chunk, "ada", stances={"japan": "favor"}, **first)
    return crowd.add(chunk, "ben", stances={"japan": "against"})


def test_only_what_is_open_becomes_a_case() -> None:
    crowd = Crowd()
    for chunk, second in (("tie", "against"), ("same", "favor"), ("also", "none")):
        crowd.add(chunk, "ada", stances={"japan": "favor"}).add(chunk, "ben", stances={"japan": second})
    crowd.add("tie", "eve", state="skipped").add("tie", "fay", state="draft")
    found = cases(crowd)
    assert [(case.chunk_id, case.review_of) for case in found] == [("also", ["1:5", "1:6"]), ("tie", ["1:1", "1:2"])]


def test_a_case_says_why_and_who_voted_how_without_names() -> None:
    crowd = Crowd().add("c", "ada", [(17, 24, "ORG")], {"japan": "favor"}).add("c", "ben", [], {"japan": "against"})
    [case] = cases(crowd)
    by = {s.answers[0]["label"]: s.by.removeprefix("annotator ") for s in case.suggestions if s.answers}
    votes = ", ".join(sorted([f"{by['favor']} Favor", f"{by['against']} Against"]))
    marked = ", ".join(sorted([f"{by['favor']} ORG", f"{by['against']} nothing"]))
    place = "“Tokyo will build **Patriot** missiles for the United States and Ukra…”"
    assert case.why == f"**Why this chunk is here**\n\n- stance for Japan: {votes}\n- ORG in {place}: {marked}"
    assert sorted(by.values()) == ["A", "B"]


def test_questions_about_whole_chunks_are_cases() -> None:
    crowd = Crowd().add("c", "ada", answers={"topic": {"": "war"}, "frames": {"money": "yes"}})
    crowd.add("c", "ben", answers={"topic": {"": "trade"}, "frames": {"money": "yes"}})
    [case] = cases(crowd, asking(topic(), frames()))
    assert "- topic: A " in case.why
    assert [(row["question"], row["target"], row["label"]) for row in case.suggestions[-1].answers] == [
        ("frames", "money", "yes")
    ]


def test_letters_do_not_follow_a_person() -> None:
    crowd = Crowd()
    for n in range(20):
        crowd.add(f"c{n}", "ada", stances={"japan": "favor"}).add(f"c{n}", "ben", stances={"japan": "against"})
    suggestions = [s for case in cases(crowd) for s in case.suggestions]
    letters = [s.by for s in suggestions if [a["label"] for a in s.answers] == ["favor"]]
    assert len(letters) == 20
    assert set(letters) == {"annotator A", "annotator B"}
    assert [s for case in cases(crowd) for s in case.suggestions] == suggestions


@pytest.mark.parametrize(("people", "last"), [(26, "annotator Z"), (27, "annotator A2")])
def test_there_are_letters_for_any_number_of_annotators(people: int, last: str) -> None:
    crowd = Crowd()
    for n in range(people):
        crowd.add("c", f"p{n}", stances={"japan": ("favor", "against", "none")[n % 3]})
    [case] = cases(crowd)
    names = [s.by for s in case.suggestions[:-1]]
    assert (len(set(names)), names[-1]) == (people, last)


def test_the_last_suggestion_is_what_is_settled() -> None:
    crowd = Crowd()
    for name, japan in (("ada", "favor"), ("ben", "against")):
        crowd.add("c", name, [(0, 5, "GPE"), *([(17, 24, "ORG")] if name == "ada" else [])], {**BOTH, "japan": japan})
    [case] = cases(crowd)
    settled = case.suggestions[-1]
    assert settled.by == "agreed so far"
    assert [(s["start"], s["label"], s["span_id"]) for s in settled.spans] == [(0, "GPE", None)]
    assert [(a["target"], a["label"]) for a in settled.answers] == [("ukraine", "none")]


def test_with_mentions_no_answers_are_filled_in() -> None:
    crowd = Crowd()
    for name, tokyo in (("ada", "favor"), ("ben", "against")):
        crowd.add("c", name, [(0, 5, "GPE")], {"Tokyo": tokyo, "Kyiv": "none"})
    [case] = cases(crowd, scheme(mode="mention"))
    assert case.suggestions[-1].answers == []
    assert len(case.suggestions[0].answers) == 2


def test_problems_of_the_scheme_and_comments_are_shown() -> None:
    [case] = cases(conflict(problems=["garbled", "old"], comment="Hm."))
    said = sorted((tuple(s.problems), s.comment) for s in case.suggestions[:-1])
    assert said == [((), ""), (("garbled",), "Hm.")]


def test_spans_outside_the_window_are_not_suggested() -> None:
    crowd = conflict().window("c", start=10)
    spans = [(9, 12, "GPE"), (10, 12, "ORG"), (70, 79, "GPE"), (70, 78, "ORG"), (12, 12, "GPE")]
    crowd.add("c", "eve", spans, {"japan": "none"})
    [case] = cases(crowd)
    shown = [(s["start"], s["end"]) for said in case.suggestions[:-1] for s in said.spans]
    assert shown == [(10, 12), (70, 78)]


def quarantined(**issue: Any) -> tuple[Crowd, list[dict[str, object]]]:
    crowd = Crowd().add("c", "ada", stances={"japan": "favor"})
    crowd.add("c", "ben", stances={"japan": "favor"}, quarantined=True)
    about = {"annotation_id": "1:2", "chunk_id": "c", "path": "$", "check": "bounds", "severity": "error"}
    return crowd, [{**about, "message": "GPE is <out> of *it*.", **issue}]


def test_an_annotation_in_quarantine_is_a_case_until_it_was_reviewed() -> None:
    crowd, issues = quarantined()
    [case] = cases(crowd, issues=issues)
    assert case.why.endswith("is in quarantine (bounds): GPE is &lt;out&gt; of \\*it\\*.")
    assert case.why.count("quarantine") == 1
    crowd.add("c", "eve", stances={"japan": "favor"}, project_id=2, parent_id="1:1 1:2")
    assert cases(crowd, issues=issues) == []


def test_an_annotation_in_quarantine_for_another_reason_is_a_case_too() -> None:
    crowd, _ = quarantined()
    [case] = cases(crowd)
    assert case.why.splitlines()[-1] in ("- A is in quarantine", "- B is in quarantine")


@pytest.mark.parametrize("issue", [{"severity": "warning"}, {"annotation_id": None}, {"annotation_id": "9:9"}])
def test_other_issues_are_no_reasons(issue: dict[str, Any]) -> None:
    crowd, issues = quarantined(**issue)
    [case] = cases(crowd, issues=issues)
    assert "bounds" not in case.why


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (0, 5, "**Japan**’s plan was dropped by Japan, by the Un…"),
        (29, 34, "Japan’s plan was dropped by **Japan**, by the United States and, on Monday, b…"),
        (86, 91, "…ted States and, on Monday, by Australia **too \\***."),
        (80, 84, "…he United States and, on Monday, by Aust**rali**a too \\*."),
    ],
)
def test_a_disputed_span_is_shown_in_its_place(start: int, end: int, place: str) -> None:
    text = "Japan’s plan was dropped by  Japan, by the United States and, on Monday, by Australia too *."
    crowd = Crowd().window("c", text).add("c", "ada", [(start, end, "GPE")]).add("c", "ben")
    [case] = cases(crowd)
    assert f"- GPE in “{place}”: " in case.why


@pytest.mark.parametrize("more", [0, 1])
def test_forty_characters_on_each_side_are_shown_and_eighty_of_the_span(more: int) -> None:
    before, span, after = "b" * (40 + more), "s" * (80 + more), "a" * (40 + more)
    bounds = (len(before), len(before) + len(span), "GPE")
    crowd = Crowd().window("c", before + span + after).add("c", "ada", [bounds]).add("c", "ben")
    cut = "…" * more
    assert f"“{cut}{'b' * 40}**{'s' * 80}{cut}**{'a' * 40}{cut}”" in cases(crowd)[0].why


def test_long_words_are_cut() -> None:
    text = "Tokyo " * 40
    crowd = Crowd().window("c", text).add("c", "ada", [(0, 200, "GPE")]).add("c", "ben")
    [case] = cases(crowd)
    assert f"GPE in “**{text[:80]}…**kyo Tokyo" in case.why
    crowd, issues = quarantined(message="x" * 200)
    assert "x" * 160 in cases(crowd, issues=issues)[0].why
    assert "x" * 161 not in cases(crowd, issues=issues)[0].why
