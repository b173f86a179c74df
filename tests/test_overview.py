"""What to do next, by what there is; `tests/commands/test_status.py` shows the rest."""

from typing import Any

import pytest

from builder import overview
from builder.studio.serving import AnnotationProgress, ServerStatus


def far(tasks: int, done: int, annotations: int) -> ServerStatus:
    return ServerStatus("http://x", True, True, progress=AnnotationProgress(tasks, done, annotations))


@pytest.mark.parametrize(
    ("made", "server", "pulled", "released", "said"),
    [
        ({}, far(1, 1, 1), None, False, "builder prepare: the articles are not read yet"),
        ({"prepare": {}}, None, None, False, "builder push: Label Studio is not running"),
        ({"prepare": {}}, far(0, 0, 0), None, False, "builder push: no chunk is in Label Studio"),
        ({"prepare": {}}, far(3, 2, 2), None, False, "annotate: 2 of 3 chunks are done; then builder run"),
        ({"prepare": {}}, far(3, 3, 3), None, False, "builder run: every chunk is done, and not all of it is pulled"),
        ({"prepare": {}}, far(3, 3, 3), (1, 1), True, "builder run: every chunk is done, and not all of it is pulled"),
        ({"prepare": {}}, far(3, 3, 3), (2, 1), False, "builder run: every chunk is done"),
        ({"prepare": {}}, far(3, 3, 3), (2, 1), True, "nothing: it is released"),
        ({"prepare": {}}, None, (2, 1), False, "builder export: nothing of the pull is released"),
        ({"prepare": {}}, None, (2, 1), True, "builder serve, to annotate on"),
    ],
)
def test_what_is_next(made: Any, server: Any, pulled: Any, released: bool, said: str) -> None:
    counts = {"annotations": pulled[0], "skipped": pulled[1]} if pulled else None
    assert overview._next(made, server, counts, released) == said
    gold = {"adjudicate": {"gold_answers": {"unresolved": 2}, "gold_spans": {"unresolved": 1}}}
    if made and released and said != "builder run: every chunk is done, and not all of it is pulled":
        assert overview._next(made | gold, server, counts, released) == "builder review: 3 gold labels are unresolved"
