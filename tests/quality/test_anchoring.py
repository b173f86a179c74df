"""Windows and spans move with their text; what the article no longer has is left out and said."""

import pyarrow as pa

from builder.quality.anchoring import anchored
from builder.questions.rows import Decoded
from builder.tables import ISSUES, build
from tests.samples import Crowd

TEXT = "Kyiv waited."


def decoded(crowd: Crowd) -> Decoded:
    return Decoded(crowd.annotations, crowd.spans, crowd.answers, build([], ISSUES), crowd.windows)


def crowd() -> Crowd:
    made = Crowd().window("c1", TEXT, 5, article_id="a").window("c2", "Tokyo built.", 20, article_id="a")
    made.add("c1", "ada", [(5, 9, "GPE")], {"ukraine": "favor"}).add("c1", "ben", [])
    return made.add("c2", "ada", [(20, 25, "GPE")])


def places(table: pa.Table) -> list[tuple[str, int, int]]:
    return [(r["chunk_id"], r["start"], r["end"]) for r in table.to_pylist()]


def test_nothing_moves_when_the_text_is_where_it_was() -> None:
    given = decoded(crowd())
    text = f"Old. {TEXT}   Tokyo built."
    assert anchored(given, {"c1": 5, "c2": 20}, {"a": text}) is given
    assert anchored(given, {}, {"a": text}) is given
    assert anchored(given, {"c1": 7}, {}) is given


def test_spans_move_with_their_chunk() -> None:
    text = f"Older. {TEXT} Tokyo built."
    found = anchored(decoded(crowd()), {"c1": 7, "c2": 20}, {"a": text})
    assert places(found.windows) == [("c1", 7, 19), ("c2", 20, 32)]
    assert places(found.spans) == [("c1", 7, 11), ("c2", 20, 25)]
    assert found.issues.num_rows == 0
    assert found.annotations.num_rows == 3


def test_a_window_of_another_chunking_moves_to_the_only_place_of_its_text() -> None:
    text = f"Older. {TEXT} Tokyo built."
    assert places(anchored(decoded(crowd()), {}, {"a": text}).windows) == [("c1", 7, 19), ("c2", 20, 32)]
    twice = f"{TEXT} And {TEXT} Tokyo built."
    assert places(anchored(decoded(crowd()), {"c2": 30}, {"a": twice}).windows) == [("c2", 30, 42)]


def test_of_a_text_that_is_there_twice_the_chunk_says_which_it_is_and_else_the_window() -> None:
    given = decoded(Crowd().window("c1", TEXT, 5, article_id="a").add("c1", "ada", [(5, 9, "GPE")]))
    twice = {"a": f"Old. {TEXT} {TEXT}"}
    for starts, start in (({"c1": 18}, 18), ({"c1": 5}, 5), ({}, 5)):
        found = anchored(given, starts, twice)
        assert places(found.windows) == [("c1", start, start + len(TEXT))]
        assert places(found.spans) == [("c1", start, start + 4)]
        assert found.issues.num_rows == 0


def test_of_a_text_that_is_gone_nothing_is_left_but_an_issue_per_annotation() -> None:
    found = anchored(decoded(crowd()), {"c2": 20}, {"a": "Old. Kyiv wakes up.Tokyo built."})
    assert places(found.windows) == [("c2", 19, 31)]
    assert places(found.spans) == [("c2", 19, 24)]
    assert found.answers.num_rows == 0
    assert found.annotations["chunk_id"].to_pylist() == ["c2"]
    issues = found.issues.to_pylist()
    assert [(i["check"], i["severity"], i["annotator"], i["chunk_id"]) for i in issues] == [
        ("article-edited", "warning", "ada", "c1"),
        ("article-edited", "warning", "ben", "c1"),
    ]
