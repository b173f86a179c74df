"""Notes about a chunk, stored in columns of ANNOTATIONS: the problems that the annotator ticked, and a comment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

from builder.questions.hotkeys import DIGITS, KeyRow
from builder.questions.kind import Kind, put, unknown
from builder.questions.raw import Choices, Text
from builder.questions.reading import Dispatch, Reading
from builder.questions.tags import TEXT, FoundControls, InterfacePage, asked, choices, element, header, view
from builder.questions.writing import Statement, Writing
from builder.scheme import Label, Renames, Scheme

PROBLEM = "problem"
COMMENT = "comment"


@dataclass(kw_only=True)
class Problems(Kind):
    """Any number of the labels, stored in the column `problems` of ANNOTATIONS."""

    kind: ClassVar[str] = "problems"
    gives: ClassVar[str] = "notes"
    label_settings: ClassVar[tuple[str, ...]] = ("title", "description")
    vocabulary: ClassVar[Mapping[str, str]] = {"labels": "problem"}

    labels: dict[str, Label] = field(default_factory=dict)
    required: bool = field(default=False, init=False)

    def key_rows(self, scheme: Scheme) -> list[KeyRow]:
        return [KeyRow(PROBLEM, list(self.labels), DIGITS)]

    def show(self, page: InterfacePage) -> None:
        question = asked(PROBLEM, choices(self.labels, page.keys_of(PROBLEM)), "multiple")
        page.beside += [header("Problems", "bd-caption"), view("bd-problems", question)]

    @classmethod
    def found(cls, controls: FoundControls) -> Iterator[tuple[str, Self]]:
        if labels := {name: Label() for name in controls.names(PROBLEM)}:
            yield cls.kind, cls(labels=labels)

    def read(self, dispatch: Dispatch) -> None:
        dispatch.control(PROBLEM, Choices, partial(_read_problems, dispatch.names(self).labels))

    def write(self, writing: Writing) -> None:
        if writing.problems:
            writing.item(PROBLEM, "choices", {"choices": list(writing.problems)}, PROBLEM)

    def state(self, said: Any, statement: Statement) -> None:
        """`[problem, ...]`."""
        given = list(said or ())
        unknown(given, self.labels, "problems")
        statement.problems += given

    def rename(self, item: dict[str, Any], renames: Mapping[str, Renames]) -> None:
        if item.get("from_name") == PROBLEM:
            put(item, "choices", renames[self.name].labels)


@dataclass(kw_only=True)
class Comment(Kind):
    """Free words, stored in the column `comment` of ANNOTATIONS."""

    kind: ClassVar[str] = "comment"
    gives: ClassVar[str] = "notes"

    required: bool = field(default=False, init=False)

    def show(self, page: InterfacePage) -> None:
        area = element(
            "TextArea", name=COMMENT, toName=TEXT, rows="2", maxSubmissions="1", editable="true",
            showSubmitButton="false", placeholder="Comment (optional)",
        )  # fmt: skip
        page.beside.append(view("bd-comment", area))

    @classmethod
    def found(cls, controls: FoundControls) -> Iterator[tuple[str, Self]]:
        if COMMENT in controls.areas:
            yield cls.kind, cls()

    def read(self, dispatch: Dispatch) -> None:
        dispatch.control(COMMENT, Text, _read_comment)

    def write(self, writing: Writing) -> None:
        if writing.comment:
            writing.item(COMMENT, "textarea", {"text": [writing.comment]}, COMMENT)

    def state(self, said: Any, statement: Statement) -> None:
        """The words; empty for none."""
        if not isinstance(said, str | None):
            raise TypeError(f"{said!r} is no comment")
        statement.comment = said or None

    def parts(self) -> list[str]:
        return ["comment"]


def _read_problems(known: Mapping[str, str], reading: Reading, index: int, item: Choices) -> None:
    for i, given in enumerate(item.value.choices):
        problem = known.get(given)
        if problem is None:
            reading.keep("unknown-label", "warning", index, f"{given!r} is no problem", f".value.choices[{i}]")
        else:
            reading.problems.append(problem)


def _read_comment(reading: Reading, index: int, item: Text) -> None:
    text = item.value.text
    said = text if isinstance(text, str) else "\n".join(text)
    reading.comment = said if reading.comment is None else f"{reading.comment}\n{said}"
