"""Notes about a chunk, stored in columns of ANNOTATIONS: the problems that the annotator ticked, and a comment."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from builder.questions.kind import Kind, Statement, Writing, unknown
from builder.questions.page import DIGITS, TEXT, InterfacePage, element, names_on, view
from builder.questions.raw import Choices, Text
from builder.questions.reading import Dispatch, Reading
from builder.scheme import Label

PROBLEM = "problem"
COMMENT = "comment"


@dataclass(kw_only=True)
class Problems(Kind):
    """Any number of the labels, stored in the column `problems` of ANNOTATIONS."""

    kind: ClassVar[str] = "problems"
    gives: ClassVar[str] = "notes"
    label_settings: ClassVar[tuple[str, ...]] = ("title", "description")
    vocabulary: ClassVar[Mapping[str, str]] = {"labels": "problem"}
    key_source: ClassVar[str] = DIGITS

    labels: dict[str, Label] = field(default_factory=dict)
    required: bool = field(default=False, init=False)

    @property
    def control(self) -> str:
        return PROBLEM

    def show(self, page: InterfacePage) -> None:
        page.beside.append(page.question("bd-problems", PROBLEM, "Problems", self.labels, many=True))

    @classmethod
    def found(cls, page: ET.Element) -> Iterator[tuple[str, Self]]:
        if labels := {name: Label() for name in names_on(page, PROBLEM)}:
            yield cls.kind, cls(labels=labels)

    def read(self, dispatch: Dispatch) -> None:
        names = dispatch.names(self).labels

        def handle(reading: Reading, index: int, item: Choices) -> None:
            reading.problems += reading.known(names, index, item, "problem", "warning")

        dispatch.control(PROBLEM, Choices, handle)

    def write(self, writing: Writing) -> None:
        if writing.problems:
            writing.item(PROBLEM, "choices", {"choices": list(writing.problems)}, PROBLEM)

    def state(self, said: Any, statement: Statement) -> None:
        """`[problem, ...]`."""
        given = list(said or ())
        unknown(given, self.labels, "problems")
        statement.problems += given


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
    def found(cls, page: ET.Element) -> Iterator[tuple[str, Self]]:
        if page.find(f".//TextArea[@name='{COMMENT}']") is not None:
            yield cls.kind, cls()

    def read(self, dispatch: Dispatch) -> None:
        def handle(reading: Reading, index: int, item: Text) -> None:
            said = item.value.text if isinstance(item.value.text, str) else "\n".join(item.value.text)
            reading.comment = said if reading.comment is None else f"{reading.comment}\n{said}"

        dispatch.control(COMMENT, Text, handle)

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
