"""Disagreements are counted by kind and label, and the most disputed chunks are shown side by side."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import pytest

from builder.quality.adjudication import adjudicate
from builder.quality.settings import Aggregation, Quality
from builder.reporting.disagreements import DisagreementSection, disagreement_section
from builder.reporting.side_by_side import TextPiece
from builder.scheme import Scheme
from tests.quality.helpers import asking, frames
from tests.reporting.facts import facts_of
from tests.samples import Crowd, scheme

#: "Tokyo will build Patriot missiles for the United States and Ukraine."
TOKYO, STATES, THE_STATES, UKRAINE = (0, 5, "GPE"), (42, 55, "GPE"), (38, 55, "GPE"), (60, 67, "GPE")


#: What groups are called, by the kind of disagreement.
WORDS = {"another label": "label", "other bounds": "border"}


def section(
    crowd: Crowd, made: Scheme | None = None, link: Callable[[int, int], str] | None = None, **more: Any
) -> DisagreementSection:
    return disagreement_section(facts_of(crowd, made, **more), link)


def groups(crowd: Crowd, **more: Any) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for label, words, count, _, _ in section(crowd, **more).groups:
        kind, _, of = words.partition(": ")
        found[WORDS.get(kind, kind), of, label] = count
    return found


def test_nothing_is_known_before_a_pull() -> None:
    found = disagreement_section(facts_of())
    assert found == DisagreementSection(
        missing="No annotation is checked yet: run `builder pull`, then `builder validate`."
    )


def test_those_who_agree_have_no_disagreement() -> None:
    crowd = Crowd()
    for who in ("ada", "ben"):
        crowd.add("c", who, [TOKYO, STATES, (38, 55, "EVIDENCE", ["japan"])], {"japan": "favor"})
    found = section(crowd.add("alone", "ada", [TOKYO]))
    assert (found.compared, found.disputed, found.kinds, found.groups, found.chunks) == (1, 0, (), (), ())


@pytest.mark.parametrize(
    ("ada", "ben", "expected"),
    [
        ([TOKYO], [(0, 5, "ORG")], {("label", "entity", "GPE / ORG"): 1}),
        ([STATES], [THE_STATES], {("border", "entity", "GPE"): 1}),
        ([TOKYO], [], {("missed", "entity", "GPE"): 1}),
        # Other bounds and another label are not two views of one mention.
        ([STATES], [(38, 55, "ORG")], {("missed", "entity", "GPE"): 1, ("missed", "entity", "ORG"): 1}),
        # Touching is not overlapping.
        ([(0, 5, "GPE")], [(5, 10, "GPE")], {("missed", "entity", "GPE"): 2}),
        # What both have, is not disputed, though it overlaps what only one has.
        ([STATES, THE_STATES], [STATES], {("missed", "entity", "GPE"): 1}),
        ([TOKYO, (0, 5, "ORG")], [], {("missed", "entity", "GPE"): 1, ("missed", "entity", "ORG"): 1}),
        ([TOKYO, (0, 5, "ORG")], [TOKYO], {("missed", "entity", "ORG"): 1}),
        ([(0, 5, "EVIDENCE", ["japan"])], [(0, 10, "EVIDENCE", [])], {("border", "evidence", "EVIDENCE"): 1}),
        # Crossing and nested spans: one label and one border each.
        (
            [(0, 10, "ORG"), (6, 16, "ORG"), TOKYO],
            [(0, 10, "ORG"), (6, 18, "ORG"), (0, 5, "PERSON")],
            {("border", "entity", "ORG"): 1, ("label", "entity", "GPE / PERSON"): 1},
        ),
    ],
)
def test_spans_differ_in_label_in_bounds_or_are_missed(
    ada: list[Any], ben: list[Any], expected: dict[tuple[str, str, str], int]
) -> None:
    assert groups(Crowd().add("c", "ada", ada).add("c", "ben", ben)) == expected
    assert groups(Crowd().add("c", "ada", ben).add("c", "ben", ada)) == expected


def test_a_disagreement_counts_once_however_many_have_it() -> None:
    crowd = Crowd()
    for who, label in (("ada", "GPE"), ("ben", "GPE"), ("cyd", "ORG"), ("dee", "PERSON"), ("eve", "GPE")):
        crowd.add("c", who, [(0, 5, label)], {"japan": "favor" if label == "GPE" else "against"})
    assert groups(crowd) == {
        ("label", "entity", "GPE / ORG"): 1,
        ("label", "entity", "GPE / PERSON"): 1,
        ("label", "entity", "ORG / PERSON"): 1,
        ("stance", "", "favor / against"): 1,
    }


def test_answers_are_compared_per_target_in_the_order_of_the_scheme() -> None:
    crowd = Crowd().add("c", "ada", stances={"japan": "against", "ukraine": "none"})
    crowd.add("c", "ben", stances={"japan": "favor", "ukraine": "none"}).add("c", "cyd", stances={"ukraine": "favor"})
    assert groups(crowd) == {("stance", "", "favor / against"): 1, ("stance", "", "favor / none"): 1}
    [chunk] = section(crowd).chunks
    assert chunk.answers == (
        ("stance: Ukraine", "stance", "None", "None", "Favor", ""),
        ("stance: Japan", "stance", "Against", "Favor", "no answer", ""),
    )


def test_of_several_options_the_option_is_disputed() -> None:
    crowd = Crowd()
    for who, risk in (("ada", "yes"), ("ben", "no")):
        crowd.add("c", who, answers={"frames": {"money": "yes", "risk": risk}})
    assert groups(crowd, made=asking(frames())) == {("frames", "", "risk"): 1}


def test_who_was_not_asked_for_a_label_did_not_miss_it() -> None:
    crowd = Crowd().add("c", "ada", [TOKYO, (6, 10, "ORG")]).add("c", "ben", [])
    assert groups(crowd, quality=Quality(asked={"ben": ["ORG"]})) == {("missed", "entity", "ORG"): 1}
    # Everybody is asked for evidence.
    crowd = Crowd().add("c", "ada", [(0, 5, "EVIDENCE", [])]).add("c", "ben", [])
    assert groups(crowd, quality=Quality(asked={"ben": ["ORG"]})) == {("missed", "evidence", "EVIDENCE"): 1}


@pytest.mark.parametrize(
    "more", [{"state": "skipped"}, {"state": "draft"}, {"quarantined": True}, {"parent_id": "2:9"}]
)
def test_who_does_not_vote_disagrees_with_nobody(more: dict[str, Any]) -> None:
    crowd = Crowd().add("c", "ada", [TOKYO]).add("c", "ben", [TOKYO]).add("c", "cyd", [], **more)
    assert section(crowd).groups == ()


def test_groups_are_sorted_and_name_chunks_that_are_shown() -> None:
    crowd = Crowd()
    for n in range(5):
        crowd.add(f"c{n}", "ada", [TOKYO] + [STATES] * (n == 3)).add(f"c{n}", "ben", [(0, 5, "ORG")])
    crowd.add("d", "ada", [UKRAINE]).add("d", "ben", [(60, 68, "GPE")])
    found = section(crowd)
    assert found.kinds == (("another label", 5), ("other bounds", 1), ("missed", 1))
    assert found.groups == (
        # Of chunks with one each, those with the fewest other disagreements are the clearest.
        ("GPE / ORG", "another label: entity", 5, 5, ("c0", "c1", "c2")),
        ("GPE", "other bounds: entity", 1, 1, ("d",)),
        ("GPE", "missed: entity", 1, 1, ("c3",)),
    )
    assert [(chunk.chunk_id, chunk.count) for chunk in found.chunks] == [
        ("c3", 2), ("c0", 1), ("c1", 1), ("c2", 1), ("c4", 1), ("d", 1),
    ]  # fmt: skip


def test_many_chunks_are_counted_and_few_are_shown() -> None:
    crowd = Crowd()
    for n in range(60):
        crowd.add(f"c{n:02}", "ada", [TOKYO]).add(f"c{n:02}", "ben", [])
    found = section(crowd)
    assert (found.disputed, *found.groups[0][2:4]) == (60, 60, 60)
    assert [chunk.chunk_id for chunk in found.chunks] == [f"c{n:02}" for n in range(10)]


def test_long_texts_end_the_list_of_chunks() -> None:
    crowd = Crowd()
    for n in range(10):
        crowd.window(f"c{n}", "x" * 20_001)
        for who in "abcdefghi":
            crowd.add(f"c{n}", who, [(0, 5, "GPE" if who == "a" else "ORG")])
    chunks = section(crowd).chunks
    # A million characters: six times eight views of 20,000.
    assert [(len(chunk.views), chunk.cut, chunk.more) for chunk in chunks] == [(8, 1, 1)] * 6
    assert {len("".join(piece.text for piece in view.pieces)) for view in chunks[0].views} == {20_000}


def test_a_chunk_is_shown_as_everybody_labelled_it() -> None:
    crowd = Crowd().window("c", start=100, article_id="a", title="A title")
    crowd.add("c", "ada", [(100, 105, "GPE"), (142, 155, "GPE")], {"japan": "favor"}, task_id=7, comment="Hm.")
    crowd.add(
        "c", "ben", [(100, 105, "GPE"), (138, 155, "GPE"), (138, 155, "EVIDENCE", ["japan"])], problems=["unsure"]
    )
    gold = adjudicate(
        crowd.annotations, crowd.spans, crowd.answers, crowd.windows, Aggregation(method="majority"), Quality(), {}
    )
    found = section(
        crowd,
        tables={"gold_spans": gold.gold_spans, "gold_answers": gold.gold_answers},
        link=lambda project, task: f"https://labels.example/{project}/{task}",
        accounts={"ada": "ada@example.org"},
    )
    [chunk] = found.chunks
    assert (chunk.chunk_id, chunk.title, chunk.count, chunk.cut, chunk.more) == ("c", "A title", 2, 0, 0)
    ada, ben = chunk.views
    assert (ada.annotator, ada.who, ada.link) == ("ada", "ada (ada@example.org)", "https://labels.example/1/7")
    assert (ada.comment, ben.problems, ben.who) == ("Hm.", "unsure", "ben")
    assert ada.pieces == (
        TextPiece("Tokyo", ("GPE",), ("GPE",)),
        TextPiece(" will build Patriot missiles for the "),
        TextPiece("United States", ("GPE",), ("GPE",), True),
        TextPiece(" and Ukraine."),
    )
    both = ("EVIDENCE: japan", "GPE")
    assert ben.pieces[2] == TextPiece("the United States", both, both, True)
    assert chunk.answers == (("stance: Japan", "none", "Favor", "no answer", "Favor (single)"),)
    assert chunk.spans == (
        ("the United States", "other bounds", "GPE “United States”", "GPE", "GPE (unresolved)"),
        ("the United States", "missed", "nothing", "EVIDENCE: japan", "EVIDENCE: japan (unresolved)"),
    )


def test_words_of_one_place_are_one_row_and_there_are_not_too_many() -> None:
    crowd = Crowd().window("c", "word " * 60)
    spans = [(5 * n, 5 * n + 4, "GPE") for n in range(30)]
    crowd.add("c", "ada", [*spans, (0, 9, "ORG")]).add("c", "ben", [(0, 4, "ORG"), (5, 9, "PERSON")])
    [chunk] = section(crowd).chunks
    # Two labels of two places, two bounds of one, and 28 marks that one of them missed.
    assert chunk.count == 31
    said = ("ORG; GPE “word”; GPE “word”", "ORG “word”; PERSON “word”")
    assert chunk.spans[0] == ("word word", "another label, other bounds", *said, "")
    assert chunk.spans[1] == ("word", "missed", "GPE", "nothing", "")
    assert (len(chunk.spans), chunk.more) == (25, 4)


def test_what_annotators_reported_is_listed_the_latest_first() -> None:
    crowd = Crowd().add("c", "ada", comment="First").add("d", "ben", state="skipped", problems=["garbled", "unsure"])
    crowd.add("d", "cyd", problems=["garbled"]).add("d", "dee", comment="").add("e", "eve", comment=None)
    found = section(crowd, link=lambda project, task: f"{project}-{task}")
    assert found.problems == (("garbled", 2), ("unsure", 1))
    assert found.noted == 3
    assert found.notes == (
        ("cyd", "garbled", "", "labelled-empty", ("d", "1-3")),
        ("ben", "garbled, unsure", "", "skipped", ("d", "1-2")),
        ("ada", "", "First", "labelled-empty", ("c", "1-1")),
    )


def test_without_texts_there_are_counts_alone() -> None:
    crowd = Crowd().add("c", "ada", [TOKYO], comment="Private").add("c", "ben", [])
    found = section(crowd, public=True)
    assert (found.chunks, found.notes, found.noted, found.disputed) == ((), (), 1, 1)
    assert found.groups == (("GPE", "missed: entity", 1, 1, ()),)


@pytest.mark.parametrize("seed", range(8))
def test_counts_are_those_of_everybody_compared_with_everybody(seed: int) -> None:
    rng, crowd, expected = random.Random(seed), Crowd(), Counter[tuple[str, str, str]]()
    for chunk in "cde":
        marks: dict[str, set[tuple[int, int, str]]] = {}
        for who in "abc"[: rng.randint(1, 3)]:
            ends = [sorted(rng.sample(range(12), 2)) for _ in range(rng.randint(0, 5))]
            marks[who] = {(start, end, rng.choice("XYZ")) for start, end in ends}
            crowd.add(chunk, who, sorted(marks[who]))
        found = set()
        for one, other in permutations(marks, 2):
            for x, y in product(marks[one] - marks[other], marks[other] - marks[one]):
                if x[:2] == y[:2]:
                    found.add(("label", frozenset((x, y))))
                elif x[2] == y[2] and x[0] < y[1] and y[0] < x[1]:
                    found.add(("border", frozenset((x, y))))
        paired = {mark for _, pair in found for mark in pair}
        open_ = set().union(*marks.values()) - set.intersection(*marks.values())
        found |= {("missed", frozenset((mark,))) for mark in open_ - paired}
        expected.update((kind, "entity", " / ".join(sorted({mark[2] for mark in pair}))) for kind, pair in found)
    assert groups(crowd, made=scheme(entities="XYZ", overlap=True)) == expected


def test_two_mentions_of_one_name_are_two_rows_in_the_order_of_the_text() -> None:
    crowd = Crowd().window("c", "Kyiv. will build Patriot missiles for the United States and Kyiv.")
    for who, second in (("ada", "against"), ("ben", "none")):
        crowd.add("c", who, [(0, 4, "GPE"), (60, 64, "GPE")], {(60, 64): second, (0, 4): "favor"})
    [chunk] = section(crowd, scheme(mode="mention", evidence=False)).chunks
    assert chunk.answers == (
        ("stance: Kyiv", "none", "Favor", "Favor", ""),
        ("stance: Kyiv", "stance", "Against", "None", ""),
    )


def test_of_many_groups_some_chunks_are_shown_and_of_many_notes_the_latest() -> None:
    labels, crowd = [f"L{n:02}" for n in range(20)], Crowd()
    for n, label in enumerate(labels):
        for m in range(3):
            crowd.add(f"c{n:02}{m}", "ada", [(0, 5, label)], comment=label).add(f"c{n:02}{m}", "ben", [])
    for n in range(150):
        crowd.add(f"n{n}", "ada", comment=f"note {n}")
    found = section(crowd, scheme(entities=labels))
    shown = [chunk.chunk_id for chunk in found.chunks]
    # The ten most disputed, then one of each group that has none of its first, and so on.
    assert len(shown) == 40
    assert shown[:12] == [f"c{n:02}{m}" for n in range(3) for m in range(3)] + ["c030", "c040", "c050"]
    assert (found.noted, len(found.notes), found.notes[0][2]) == (210, 200, "note 149")


def test_long_spans_are_shortened_in_rows_alone() -> None:
    crowd = Crowd().window("c", "x" * 80 + "y" * 100 + "z" * 80)
    crowd.add("c", "ada", [(0, 260, "ORG")]).add("c", "ben", [(0, 259, "ORG"), (10, 170, "GPE")])
    [chunk] = section(crowd).chunks
    [row] = chunk.spans
    assert row[0] == "x" * 80 + " … " + "z" * 80
    assert row[2:-1] == ("ORG", f"ORG “{'x' * 80} … y{'z' * 79}”; GPE “{'x' * 70}{'y' * 90}”")
    assert "".join(piece.text for piece in chunk.views[0].pieces) == crowd.windows["text"][0].as_py()


def test_rows_of_words_are_in_the_order_of_the_text() -> None:
    crowd = Crowd().add("c", "ada", [STATES, (0, 5, "EVIDENCE", [])]).add("c", "ben", [UKRAINE])
    [chunk] = section(crowd).chunks
    assert [row[0] for row in chunk.spans] == ["Tokyo", "United States", "Ukraine"]


def test_spans_outside_of_the_window_and_endless_comments_do_no_harm() -> None:
    crowd = Crowd().window("c", "Tokyo will build.", start=50)
    crowd.add("c", "ada", [(40, 45, "ORG"), (40, 55, "GPE"), (60, 99, "ORG")], comment="x" * 2001).add(
        "c", "ben", [(0, 3, "GPE")]
    )
    [chunk] = section(crowd).chunks
    assert [row[0] for row in chunk.spans] == ["", "Tokyo", " build."]
    assert [piece.text for piece in chunk.views[0].pieces] == ["Tokyo", " will", " build."]
    assert chunk.views[0].comment == f"{'x' * 1000} … {'x' * 1000}"


def test_chunks_with_most_of_a_group_come_first_and_of_those_the_clearest() -> None:
    crowd = Crowd()
    for chunk, missed, other in (("b", 1, 0), ("c", 1, 2), ("z", 2, 0), ("a", 1, 1), ("d", 1, 0)):
        spans = [TOKYO, STATES][:missed] + [(n, n + 1, "ORG") for n in range(8, 8 + other)]
        crowd.add(chunk, "ada", spans).add(chunk, "ben", [])
    found = section(crowd)
    assert [(group[0], group[4]) for group in found.groups] == [("GPE", ("z", "b", "d")), ("ORG", ("c", "a"))]
    assert [chunk.chunk_id for chunk in found.chunks] == ["c", "a", "z", "b", "d"]


def test_targets_that_the_scheme_does_not_list_are_in_the_order_of_their_names() -> None:
    crowd = Crowd()
    for who, label in (("ada", "favor"), ("ben", "against")):
        crowd.add("c", who, stances=dict.fromkeys("fbdaec", label))
    [chunk] = section(crowd, scheme(mode="article", evidence=False)).chunks
    assert [about for about, *_ in chunk.answers] == [f"stance: {name}" for name in "abcdef"]
