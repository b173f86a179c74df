"""Comment: free words about a chunk."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from builder.questions.kind import Kind
from builder.questions.page import FoundControls, InterfacePage
from builder.questions.raw import Text
from builder.questions.reading import Dispatch, Reading
from builder.questions.tags import TEXT, element, view
from builder.questions.writing import Statement, Writing

COMMENT = "comment"


@dataclass(kw_only=True)
class Comment(Kind):
    """Words that are stored in the column `comment` of ANNOTATIONS."""

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
        dispatch.control(COMMENT, Text, _read)

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


def _read(reading: Reading, index: int, item: Text) -> None:
    text = item.value.text
    said = text if isinstance(text, str) else "\n".join(text)
    reading.comment = said if reading.comment is None else f"{reading.comment}\n{said}"
