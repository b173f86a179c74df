"""Agreement as validation reports it: over stances, spans, annotators and gold questions."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import SourceError
from builder.quality.annotators import annotator_reports
from builder.quality.questions import due, question_chunks, read_questions, score
from builder.quality.settings import Quality
from builder.quality.span_agreement import span_agreement
from builder.quality.stance_agreement import stance_agreement

FAST = Quality(bootstrap=50)
LABELS = ["favor", "against", "none"]


def stances(crowd: Any, used: Quality = FAST) -> dict[str, Any]:
    return stance_agreement(crowd.annotations, crowd.stances, LABELS, used)


def spans(crowd: Any, used: Quality = FAST) -> dict[str, Any]:
    return span_agreement(crowd.annotations, crowd.spans, crowd.windows, used)


def test_stances_by_target_and_overall(crowd: Any) -> None:
    for n, (first, second) in enumerate([("favor", "favor"), ("none", "none"), ("favor", "against"), ("none", "none")]):
        crowd.add(f"c{n}", "ada", stances={"japan": first, "ukraine": "none"})
        crowd.add(f"c{n}", "ben", stances={"japan": second, "ukraine": "none"})
    measured = stances(crowd)
    japan = measured["targets"]["japan"]
    assert (japan["items"], japan["ratings"], japan["annotators"], japan["observed"]) == (4, 8, 2, 0.75)
    # Cohen: expected (2*1 + 2*2) / 16 = .375; Krippendorff: 1 - 7 * 2 / (64 - (3*3 + 1 + 4*4)).
    assert japan["cohen"] == pytest.approx((0.75 - 0.375) / (1 - 0.375), abs=1e-6)
    assert japan["alpha"] == pytest.approx(1 - 7 * 2 / (64 - 26), abs=1e-6)
    assert measured["targets"]["ukraine"]["alpha"] is None
    assert measured["overall"]["items"] == 8
    low, high = japan["observed_interval"]
    assert low < 0.75 < high


def test_missing_answers_are_missing(crowd: Any) -> None:
    crowd.add("c1", "ada", stances={"japan": "favor"}).add("c1", "ben", stances={"japan": "favor"})
    crowd.add("c2", "ada", stances={"japan": "none"}).add("c2", "eve", stances={"japan": "none"}).add("c2", "ben")
    crowd.add("c3", "ada", stances={"japan": "against"})
    japan = stances(crowd)["targets"]["japan"]
    assert (japan["items"], japan["single"], japan["observed"], japan["alpha"]) == (2, 1, 1, 1)


def test_ordinal_alpha_forgives_the_near_more_than_the_far(crowd: Any) -> None:
    order = Quality(bootstrap=0, ordinal=["against", "none", "favor"])
    near, far = type(crowd)(), type(crowd)()
    for n, label in enumerate(["favor", "against", "none", "favor"]):
        for made, other in ((near, "none"), (far, "against")):
            made.add(f"c{n}", "ada", stances={"japan": label})
            made.add(f"c{n}", "ben", stances={"japan": other if n == 3 else label})
    one, two = (stances(made, order)["targets"]["japan"] for made in (near, far))
    assert one["alpha_ordinal"] > two["alpha_ordinal"]
    assert one["observed_interval"] is None


def test_reviews_and_quarantined_do_not_count_as_agreement(crowd: Any) -> None:
    crowd.add("c", "ada", stances={"japan": "favor"}).add("c", "ben", stances={"japan": "against"}, quarantined=True)
    crowd.add("c", "eve", stances={"japan": "favor"}, project_id=2, parent_id="1:1 1:2")
    assert stances(crowd)["targets"]["japan"]["items"] == 0


def test_span_f1_exact_and_partial(crowd: Any) -> None:
    # Tokyo alike; "Patriot missiles" against "Patriot"; one more of ben's only.
    crowd.add("c", "ada", [(0, 5, "GPE"), (17, 33, "WEAPON")])
    crowd.add("c", "ben", [(0, 5, "GPE"), (17, 24, "WEAPON"), (60, 67, "GPE")])
    measured = spans(crowd)["entity"]
    assert measured["overall"]["compared"] == 5
    assert measured["overall"]["exact_f1"] == pytest.approx(2 / 5)
    assert measured["overall"]["partial_f1"] == pytest.approx(4 / 5)
    assert measured["labels"]["WEAPON"]["exact_f1"] == 0
    assert measured["labels"]["GPE"]["exact_f1"] == pytest.approx(2 / 3, abs=1e-6)
    assert 0 < measured["overall"]["token_alpha"] < 1


def test_same_spans_agree_fully(crowd: Any) -> None:
    for name in ("ada", "ben", "eve"):
        crowd.add("c", name, [(0, 5, "GPE"), (17, 33, "WEAPON"), (17, 24, "WEAPON")])
    overall = spans(crowd)["entity"]["overall"]
    assert (overall["exact_f1"], overall["partial_f1"], overall["token_alpha"]) == (1, 1, 1)


def test_silence_counts_against_a_span(crowd: Any) -> None:
    crowd.add("c", "ada", [(0, 5, "GPE")]).add("c", "ben", [])
    assert spans(crowd)["entity"]["overall"]["exact_f1"] == 0


def test_annotators_are_compared_only_on_labels_they_were_asked_for(crowd: Any) -> None:
    crowd.add("c", "ada", [(0, 5, "GPE"), (17, 24, "WEAPON")]).add("c", "ben", [(0, 5, "GPE")])
    assert spans(crowd)["entity"]["overall"]["exact_f1"] == pytest.approx(2 / 3, abs=1e-6)
    asked = spans(crowd, Quality(bootstrap=0, asked={"ben": ["GPE"]}))["entity"]
    assert asked["overall"]["exact_f1"] == 1
    assert asked["labels"]["WEAPON"]["exact_f1"] is None


def test_evidence_is_measured_apart(crowd: Any) -> None:
    crowd.add("c", "ada", [(0, 33, "EVIDENCE", ["japan"])]).add("c", "ben", [(0, 24, "EVIDENCE", ["japan"])])
    measured = spans(crowd)
    assert "entity" not in measured
    assert (measured["evidence"]["overall"]["exact_f1"], measured["evidence"]["overall"]["partial_f1"]) == (0, 1)


MARKS = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4), st.sampled_from("AB")), max_size=5)


@settings(deadline=None, max_examples=60)
@given(st.lists(MARKS, min_size=2, max_size=4))
def test_f1_is_that_of_all_pairs_of_annotators(given_spans: list[list[tuple[int, int, str]]]) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("rows", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    rows = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rows)
    crowd = rows.Crowd().window("c", "x y z a b c d e f g")
    sets = [{(start, start + length, label) for start, length, label in marks} for marks in given_spans]
    for n, marks in enumerate(sets):
        crowd.add("c", f"a{n}", sorted(marks))
    total = sum(len(a) + len(b) for a, b in combinations(sets, 2))
    exact = sum(2 * len(a & b) for a, b in combinations(sets, 2))
    partial = sum(meets(a, b) + meets(b, a) for a, b in combinations(sets, 2))
    measured = spans(crowd, Quality(bootstrap=0)).get("entity")
    if not total:
        assert measured is None
        return
    assert measured is not None
    assert measured["overall"]["compared"] == total
    assert measured["overall"]["exact_f1"] == pytest.approx(exact / total, abs=1e-6)
    assert measured["overall"]["partial_f1"] == pytest.approx(partial / total, abs=1e-6)


def meets(some: set[tuple[int, int, str]], others: set[tuple[int, int, str]]) -> int:
    return sum(any(a[2] == b[2] and a[0] < b[1] and b[0] < a[1] for b in others) for a in some)


def test_the_report_of_an_annotator(crowd: Any) -> None:
    crowd.add("c1", "ada", [(0, 5, "GPE")], {"japan": "favor"}, lead_time=10.0)
    crowd.add("c2", "ada", [], {}, lead_time=20.0)
    crowd.add("c3", "ada", state="skipped").add("c4", "ada", state="draft")
    crowd.add("c1", "ben", [(0, 5, "GPE")], {"japan": "against"}, prediction="edited")
    crowd.add("c1", "eve", [(60, 67, "GPE")], {"japan": "favor"}, prediction="accepted")
    reports = annotator_reports(crowd.annotations, crowd.spans, crowd.stances, 4, LABELS, FAST)
    ada = reports["ada"]
    assert [ada[k] for k in ("labelled", "empty", "skipped", "drafts", "coverage")] == [1, 1, 1, 1, 0.5]
    assert ada["seconds"] == [12.5, 15.0, 17.5]
    assert (ada["stance_pairs"], ada["stance_agreement"]) == (2, 0.5)
    assert ada["confusion"] == {"favor": {"favor": 1, "against": 1}}
    assert ada["span_f1"] == pytest.approx(0.5)
    assert reports["ben"]["stance_agreement"] == 0
    assert reports["ben"]["predictions"] == {"edited": 1}


def questions(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_gold_questions_score_annotators(crowd: Any, tmp_path: Path) -> None:
    known = {"article_id": "c", "start": 0, "end": 68, "entities": [{"start": 0, "end": 5, "label": "GPE"}]}
    path = questions(
        tmp_path, {**known, "stance": {"japan": "favor", "ukraine": "none"}}, {**known, "article_id": "else"}
    )
    crowd.add("c", "ada", [(0, 5, "GPE")], {"japan": "favor", "ukraine": "none"})
    crowd.add("c", "ben", [(17, 24, "WEAPON")], {"japan": "favor"}, quarantined=True)
    crowd.add("c", "eve", state="skipped").add("d", "fay", [(0, 5, "GPE")])
    asked = question_chunks(read_questions(path), crowd.windows)
    assert sorted(asked) == ["c"]
    scores = score(asked, crowd.annotations, crowd.spans, crowd.stances)
    assert scores == {
        "ada": {"questions": 1, "stance_accuracy": 1.0, "span_f1": 1.0, "accuracy": 1.0},
        "ben": {"questions": 1, "stance_accuracy": 0.5, "span_f1": 0.0, "accuracy": 0.25},
    }


def test_a_broken_question_names_its_line(tmp_path: Path) -> None:
    path = questions(tmp_path, {"article_id": "c", "start": 0, "end": 5}, {"article_id": "c", "start": "x", "end": 5})
    with pytest.raises(SourceError, match=r"questions.jsonl:2 "):
        read_questions(path)
    with pytest.raises(SourceError, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")


@pytest.mark.parametrize(("chunks", "rate", "expected"), [(95, 0.05, 5), (1, 0.05, 1), (10, 0.5, 10), (7, 0.0, 0)])
def test_how_many_questions_are_due(chunks: int, rate: float, expected: int) -> None:
    assert due(chunks, rate) == expected
