"""Every check has a case that it finds and a twin, as like as possible, that it lets pass."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.quality.checks import CHECKS, run_checks
from builder.quality.checks.view import View
from builder.quality.settings import CHECKS as KNOWN
from builder.quality.settings import Quality

#: The text of a chunk: "Tokyo will build Patriot missiles for the United States and Ukraine."
BOTH = {"japan": "favor", "ukraine": "none"}


def look(crowd: Any, made: Any, **more: Any) -> View:
    used = more.pop("quality", Quality())
    return View(crowd.annotations, crowd.spans, crowd.stances, crowd.windows, made, used, **more)


def found(crowd: Any, made: Any, check: str, **more: Any) -> list[str]:
    """Messages of one check."""
    issues, _ = run_checks(look(crowd, made, **more))
    return [row["message"] for row in issues.to_pylist() if row["check"] == check]


def one(*spans: Any, stances: dict[str, str] | None = None, **more: Any) -> Callable[[Any], Any]:
    """A crowd of one annotation."""
    return lambda crowd: crowd.add("c", "ada", spans, BOTH if stances is None else stances, **more)


def altered(column: str, value: Any, *spans: Any) -> Callable[[Any], Any]:
    """A crowd of one annotation in which a column of the first span says something else."""

    def make(crowd: Any) -> Any:
        crowd.add("c", "ada", spans, BOTH)
        crowd._spans[0][column] = value
        return crowd

    return make


def hours(answers: dict[str, list[str]]) -> Callable[[Any], Any]:
    """A crowd in which each annotator answers chunk after chunk about Japan."""

    def make(crowd: Any) -> Any:
        for name, labels in answers.items():
            for n, label in enumerate(labels):
                crowd.add(f"c{n:02}", name, stances={"japan": label, "ukraine": "none"})
        return crowd

    return make


def alike(first: str, second: str, other_text: str = "", clusters: bool = True) -> Callable[[Any], Any]:
    """A crowd in which one annotator answers two chunks, of articles in one cluster, about Japan."""

    def make(crowd: Any) -> Any:
        text = "Tokyo will build Patriot missiles for the United States and Ukraine."
        crowd.window("c1", text, article_id="x").window(
            "c2", other_text or text.replace("will", "would"), article_id="y"
        )
        crowd.add("c1", "ada", stances={"japan": first, "ukraine": "none"})
        return crowd.add("c2", "ada", stances={"japan": second, "ukraine": "none"})

    return make


MIXED = ["favor", "against", "none"] * 4
CASES: dict[str, tuple[Any, Any, dict[str, Any], dict[str, Any]]] = {
    # check: crowd with the fault, crowd without, changes of the scheme, what else is known
    "article-changed": (one(), one(), {}, {}),
    "bounds": (altered("end", 99, (60, 67, "GPE")), one((60, 67, "GPE")), {}, {}),
    "zero-length": (altered("end", 0, (0, 5, "GPE")), one((0, 5, "GPE")), {}, {}),
    "text-mismatch": (altered("text", "Kyoto", (0, 5, "GPE")), one((0, 5, "GPE")), {}, {}),
    "edge-whitespace": (one((0, 6, "GPE")), one((0, 5, "GPE")), {}, {}),
    "mid-word": (one((0, 4, "GPE")), one((0, 5, "GPE")), {}, {}),
    "duplicate-span": (one((0, 5, "GPE"), (0, 5, "GPE")), one((0, 5, "GPE"), (0, 5, "WEAPON")), {}, {}),
    "overlap": (one((11, 24, "GPE"), (17, 33, "WEAPON")), one((11, 24, "GPE"), (25, 33, "WEAPON")), {}, {}),
    "nesting": (
        one((17, 33, "WEAPON"), (17, 24, "GPE")), one((17, 33, "WEAPON"), (17, 33, "GPE")), {"nesting": False}, {}
    ),
    "unknown-label": (one((0, 5, "CITY")), one((0, 5, "GPE")), {}, {}),
    "unknown-target": (one(stances={**BOTH, "mars": "favor"}), one(), {}, {}),
    "missing-stance": (one(stances={"japan": "favor"}), one(), {}, {}),
    "conflicting-stance": (None, one(), {}, {}),
    "evidence-without-stance": (
        one((0, 5, "EVIDENCE", ["ukraine"])), one((0, 5, "EVIDENCE", ["japan"])), {}, {}
    ),
    "stance-out-of-sight": (None, one(), {}, {}),
    "other-scheme": (one(scheme_version="0"), one(scheme_version="test@1"), {}, {}),
    "fast-empty": (
        one(stances={}, lead_time=1.0), one(stances={}, lead_time=9.0), {}, {}
    ),
    "second-annotation": (lambda c: one()(one()(c)), lambda c: one()(one(project_id=2, parent_id="1:9")(c)), {}, {}),
    "flagged": (one(problems=["garbled"]), one(problems=[]), {}, {}),
    "straight-lining": (
        hours({"ada": ["favor"] * 12, "ben": MIXED}), hours({"ada": ["favor"] * 12, "ben": ["favor"] * 12}), {}, {}
    ),
    "drift": (
        hours({"ada": ["favor"] * 6 + ["against"] * 6, "ben": MIXED}),
        hours({"ada": ["favor"] * 6 + ["against"] * 6, "ben": ["favor"] * 6 + ["against"] * 6}), {}, {}
    ),
    "contradiction": (alike("favor", "against"), alike("favor", "favor"), {}, {"clusters": {"x": "x", "y": "x"}}),
    "failed-questions": (one(), one(), {}, {}),
}  # fmt: skip


def test_the_list_of_checks_is_that_of_the_settings() -> None:
    assert list(CHECKS) == list(KNOWN)
    assert set(CASES) == set(CHECKS)


@pytest.mark.parametrize("check", [c for c, (wrong, *_) in CASES.items() if wrong is not None])
def test_the_fault_is_found_and_its_twin_is_not(crowd: Any, scheme: Any, check: str) -> None:
    wrong, right, changes, known = CASES[check]
    fault, twin = dict(known), dict(known)
    if check == "article-changed":
        text = crowd.window("c").windows["text"][0].as_py()
        fault["article_texts"], twin["article_texts"] = {"c": "Now " + text}, {"c": text}
    if check == "failed-questions":
        fault["failed_questions"] = {"ada": "4 gold questions were answered with accuracy 0.25."}
    assert found(wrong(type(crowd)()), scheme(**changes), check, **fault)
    assert not found(right(type(crowd)()), scheme(**changes), check, **twin)


def test_two_answers_about_one_target(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", stances=BOTH)
    crowd._stances.append({**crowd._stances[0], "label": "against"})
    assert found(crowd, scheme(), "conflicting-stance") == ["The stance toward japan is both favor and against."]


def test_a_target_is_in_sight_by_any_of_its_names(crowd: Any, scheme: Any) -> None:
    crowd.window("away", "Boeing builds seekers.").window("head", "Boeing builds.", title="Kyiv asks")
    crowd.add("away", "ada", stances={"ukraine": "favor"}).add("head", "ada", stances={"ukraine": "favor"})
    crowd.add("c", "ada", stances={"ukraine": "against"})
    assert found(crowd, scheme(), "stance-out-of-sight") == ["favor toward ukraine, which the chunk does not mention."]


def test_short_names_are_matched_as_they_are_written(crowd: Any, scheme: Any) -> None:
    made = scheme(targets={"usa": ["United States", "US"]})
    crowd.window("no", "It helped us all.").window("yes", "The US helped.")
    crowd.add("no", "ada", stances={"usa": "favor"}).add("yes", "ada", stances={"usa": "favor"})
    assert len(found(crowd, made, "stance-out-of-sight")) == 1


@pytest.mark.parametrize(("allowed", "expected"), [(True, 0), (False, 1)])
def test_the_scheme_says_whether_spans_may_cross(crowd: Any, scheme: Any, allowed: bool, expected: int) -> None:
    crowd.add("c", "ada", [(11, 24, "GPE"), (17, 33, "WEAPON")], BOTH)
    assert len(found(crowd, scheme(overlap=allowed), "overlap")) == expected
    assert found(crowd, scheme(nesting=False), "nesting") == []


def test_words_of_scripts_without_blanks_are_not_judged(crowd: Any, scheme: Any) -> None:
    crowd.window("zh", "日本将为乌克兰建造导弹").window("fr", "Émile a parlé")
    crowd.add("zh", "ada", [(0, 2, "GPE")], BOTH).add("fr", "ada", [(0, 3, "GPE")], BOTH)
    assert found(crowd, scheme(), "mid-word") == ["GPE 'Émi' starts or ends inside a word."]


def test_chunks_that_start_late_in_their_article(crowd: Any, scheme: Any) -> None:
    crowd.window("a", "Tokyo 🚀 waits", start=50).window("b", "in Kyiv 🚀 now", start=1000)
    crowd.add("a", "ada", [(50, 55, "GPE")], BOTH).add("b", "ada", [(1003, 1007, "GPE"), (1008, 1009, "WEAPON")], BOTH)
    issues, _ = run_checks(look(crowd, scheme()))
    spans = {"bounds", "zero-length", "text-mismatch", "edge-whitespace", "mid-word"}
    assert not spans & set(issues["check"].to_pylist())


def test_an_error_quarantines_its_annotation_only(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", [(0, 5, "CITY")], BOTH).add("c", "ben", [(0, 5, "GPE")], BOTH)
    issues, checked = run_checks(look(crowd, scheme()))
    assert checked["quarantined"].to_pylist() == [True, False]
    [issue] = [r for r in issues.to_pylist() if r["check"] == "unknown-label"]
    assert (issue["annotation_id"], issue["chunk_id"], issue["annotator"], issue["severity"]) == (
        "1:1",
        "c",
        "ada",
        "error",
    )
    assert issue["path"] == "$.result[?(@.id=='r0')].value"


def test_severity_comes_from_the_settings(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", [(0, 5, "CITY"), (0, 6, "GPE")], BOTH)
    chosen = {**KNOWN, "unknown-label": "off", "edge-whitespace": "error"}
    issues, checked = run_checks(look(crowd, scheme(), quality=Quality(severity=chosen)))
    assert [(r["check"], r["severity"]) for r in issues.to_pylist()] == [("edge-whitespace", "error")]
    assert checked["quarantined"].to_pylist() == [True]


def test_an_error_about_a_person_quarantines_all_they_did(crowd: Any, scheme: Any) -> None:
    for chunk in ("c", "d"):
        crowd.add(chunk, "ada", stances=BOTH).add(chunk, "ben", stances=BOTH)
    strict = Quality(severity={**KNOWN, "failed-questions": "error"})
    _, checked = run_checks(look(crowd, scheme(), quality=strict, failed_questions={"ada": "All wrong."}))
    assert checked["quarantined"].to_pylist() == [True, False, True, False]


def test_what_decoding_quarantined_stays_so(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", stances=BOTH, quarantined=True)
    assert run_checks(look(crowd, scheme()))[1]["quarantined"].to_pylist() == [True]


def test_majorities_of_near_duplicates_that_contradict(crowd: Any, scheme: Any) -> None:
    text = "Tokyo will build Patriot missiles for the United States and Ukraine."
    crowd.window("c1", text, article_id="x").window("c2", text, article_id="y").window(
        "c3", "Other words.", article_id="z"
    )
    for name in ("ada", "ben"):
        crowd.add("c1", name, stances={"japan": "favor"})
    for name in ("eve", "fay"):
        crowd.add("c2", name, stances={"japan": "against"}).add("c3", name, stances={"japan": "none"})
    same = {"x": "x", "y": "x", "z": "x"}
    assert found(crowd, scheme(), "contradiction", clusters=same) == [
        "Most say japan is against here and favor in the near-duplicate c1."
    ]
    assert found(crowd, scheme(), "contradiction") == []


def test_drift_follows_time_and_not_the_order_of_rows(crowd: Any, scheme: Any) -> None:
    hours({"ada": ["favor"] * 6 + ["against"] * 6, "ben": MIXED})(crowd)
    start = crowd._annotations[0]["created"]
    for n, row in enumerate(crowd._annotations):
        row["created"] = start + timedelta(minutes=(n * 5) % 12)
    assert found(crowd, scheme(), "drift") == []


def test_nothing_to_check(crowd: Any, scheme: Any) -> None:
    issues, checked = run_checks(look(crowd, scheme()))
    assert (issues.num_rows, checked.num_rows) == (0, 0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), max_size=12))
def test_crossing_and_nesting_are_those_of_all_pairs(places: list[tuple[int, int]]) -> None:
    import importlib.util
    from pathlib import Path

    from tests.samples import scheme

    spec = importlib.util.spec_from_file_location("rows", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    rows = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rows)
    crowd = rows.Crowd().window("c", "a" * 20)
    spans = sorted({(start, start + length) for start, length in places})
    crowd.add("c", "ada", [(start, end, "GPE") for start, end in spans])
    made = scheme(entities=["GPE"], stance=[], nesting=False)
    issues, _ = run_checks(look(crowd, made))
    for check, holds in (
        ("overlap", lambda a, b: a[0] < b[0] < a[1] < b[1]),
        ("nesting", lambda a, b: a != b and a[0] <= b[0] and b[1] <= a[1]),
    ):
        expected = {f"$.result[?(@.id=='r{i}')].value" for i, b in enumerate(spans) if any(holds(a, b) for a in spans)}
        assert {r["path"] for r in issues.to_pylist() if r["check"] == check} == expected
