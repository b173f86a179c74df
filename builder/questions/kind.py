"""A kind of question: what the room needs to know of it, and what its answers are written into."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from builder.errors import Fault
from builder.questions.page import TEXT, InterfacePage, KeyRow
from builder.questions.reading import Dispatch
from builder.scheme import Question, Renames, Scheme

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
    targets: Sequence[str] | None
    text: str | None
    start: int
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


@dataclass(kw_only=True)
class Kind(Question):
    """A question that can be shown, read, written and renamed. A method does nothing unless its kind overrides it.

    Control names (`from_name` in results) are declared in the file of their kind and nowhere else.
    """

    #: Whether a scheme has one question of this kind at most, which is then called as the kind is.
    once: ClassVar[bool] = True
    #: The source of the keys of its labels, where they are on one control.
    key_source: ClassVar[str] = ""

    @property
    def control(self) -> str:
        """The control on which the labels are, where there is one."""
        return ""

    def faults(self, scheme: Scheme) -> Iterator[Fault]:
        yield from super().faults(scheme)
        if self.once and self.name != self.kind:
            yield Fault("kind", f"the question of kind {self.kind} is called {self.kind}.", "Rename the question.")

    def key_rows(self, scheme: Scheme) -> list[KeyRow]:
        """The rows of labels that get hotkeys, in order."""
        labels = self.names("labels") if self.key_source else {}
        return [KeyRow(self.control, list(labels), self.key_source, {n: shown.hotkey for n, shown in labels.items()})]

    def show(self, page: InterfacePage) -> None:
        """Adds the question's tags and style rules to the page of the labeling interface."""

    def task_data(self, targets: Sequence[str]) -> dict[str, Any]:
        """Fields that the interface reads from a task whose article lists these targets; raises `SchemeError`."""
        return {}

    @classmethod
    def found(cls, page: ET.Element) -> Iterator[tuple[str, Self]]:
        """The questions of this kind that a labeling configuration asks, by name."""
        yield from ()

    def read(self, dispatch: Dispatch) -> None:
        """Registers what reads the question's controls."""

    def write_region(self, rows: Sequence[Row], writing: Writing) -> None:
        """Adds the items that are about one region: `rows` are its spans."""

    def write(self, writing: Writing) -> None:
        """Adds the items that are about the whole chunk."""

    def control_of(self, target: str) -> str:
        """The control that asks about one of the targets that are the same in every task."""
        return self.control

    def state(self, said: Any, statement: Statement) -> None:
        """Adds the rows of what plain data says; raises `ValueError` (or `KeyError`, `TypeError`) when it cannot be."""

    def parts(self) -> list[str]:
        """What the question consists of besides its names, in words; dropping one would orphan answers."""
        return []

    def rename(self, item: dict[str, Any], renames: Mapping[str, Renames]) -> None:
        """Puts the names of the new scheme into a result item; `renames` are old to new names by question."""
        if item.get("from_name") == self.control:
            put(item, renames[self.name].labels)

    def with_names(self, more: Mapping[str, Mapping[str, Any]]) -> Self:
        """The question with further labels and targets."""
        named: dict[str, Any] = {self.written_as.get(key, key): {**self.names(key), **new} for key, new in more.items()}
        return replace(self, **named)


def kinds(scheme: Scheme) -> list[Kind]:
    """The questions of a scheme as what this room can show, read and write."""
    return [question for question in scheme.questions.values() if isinstance(question, Kind)]


def put(item: dict[str, Any], names: Mapping[str, str]) -> None:
    """Renames the labels or choices in the value of a result item; what is merged is there once."""
    value, key = item.get("value"), item.get("type")
    given = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(given, list) and all(isinstance(name, str) for name in given):
        value[key] = list(dict.fromkeys(names.get(name, name) for name in given))


def unknown(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raises `ValueError` naming what is not known."""
    names = list(known)  # what is given need not be hashable
    if strange := [name for name in given if name not in names]:
        raise ValueError(f"unknown {what} {', '.join(map(repr, strange))}")
