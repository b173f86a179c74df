"""What questions write: result items of an annotation, and rows of what plain data says about a chunk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.questions.tags import TEXT
from builder.scheme import Question, Scheme

Row = Mapping[str, Any]


@dataclass
class Writing:
    """The result items of one annotation while its questions write them."""

    scheme: Scheme
    #: The article's own targets, in article mode.
    targets: Sequence[str]
    rows: Sequence[Row]
    problems: Sequence[str]
    comment: str | None
    items: list[dict[str, Any]] = field(default_factory=list)
    #: Place and id of the region that is written.
    place: dict[str, Any] = field(default_factory=dict)
    region: str = ""

    def answers(self, question: str) -> list[Row]:
        """The rows of ANSWERS of one question."""
        return [row for row in self.rows if row["question"] == question]

    def item(self, control: str, kind: str, value: dict[str, Any], region: str) -> None:
        """Adds a result item."""
        item = {"id": region, "from_name": control, "to_name": TEXT, "type": kind, "value": value, "origin": "manual"}
        self.items.append(item)

    def about_region(self, control: str, chosen: list[str]) -> None:
        """Adds what is chosen about the region that is written."""
        self.item(control, "choices", {**self.place, "choices": chosen}, self.region)


@dataclass
class Statement:
    """What was said about one chunk: rows of SPANS and ANSWERS without who said it, and notes.

    Offsets count from the same origin as `start`, the place of the chunk's `text`. Without a text, places are not
    checked and spans have no words.
    """

    scheme: Scheme
    targets: Sequence[str] | None = None
    text: str | None = None
    start: int = 0
    spans: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    comment: str | None = None
    #: The plain data of each span, beside its row.
    marks: list[tuple[Row, dict[str, Any]]] = field(default_factory=list)

    def span(self, question: Question, mark: Row, label: str, targets: Sequence[str] = ()) -> None:
        """Adds a span; raises `ValueError` when it is outside the chunk or its "text" is not what is there."""
        start, end = mark["start"], mark["end"]
        if type(start) is not int or type(end) is not int:
            raise TypeError(f"[{start!r}, {end!r}) is not an interval of whole numbers")
        if self.text is not None:
            inside = 0 <= start - self.start < end - self.start <= len(self.text)
            words = self.text[start - self.start : end - self.start] if inside else None
            if words is None:
                raise ValueError(f"[{start}, {end}) is empty or outside its chunk")
            if mark.get("text") not in (None, words):
                raise ValueError(f"[{start}, {end}) is {words!r} and not {mark['text']!r}; offsets count code points")
        row = {"kind": question.span_kind, "start": start, "end": end, "label": label, "targets": list(targets)}
        if all(row != {key: other[key] for key in row} for other in self.spans):
            self.spans.append({"span_id": None, **row})
            self.marks.append((mark, self.spans[-1]))

    def words(self, row: Row) -> str:
        """The words of a span."""
        return (self.text or "")[row["start"] - self.start : row["end"] - self.start]

    def answer(self, question: str, target: str, label: str, span_id: str | None = None) -> None:
        """Adds an answer."""
        self.answers.append({"question": question, "target": target, "span_id": span_id, "label": label})
