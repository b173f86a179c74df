"""What a kind of question can do: everything the room needs to know of it, and what most kinds have in common."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from builder.errors import Fault
from builder.questions.hotkeys import KeyRow
from builder.questions.reading import Dispatch
from builder.questions.tags import FoundControls, InterfacePage
from builder.questions.writing import Row, Statement, Writing
from builder.scheme import Question, Renames, Scheme


@dataclass(kw_only=True)
class Kind(Question):
    """A question that can be shown, read, written and renamed. A method does nothing unless its kind overrides it.

    Control names (`from_name` in results) are declared in the file of their kind and nowhere else.
    """

    #: Whether a scheme has one question of this kind at most, which is then called as the kind is.
    once: ClassVar[bool] = True

    def faults(self, scheme: Scheme) -> Iterator[Fault]:
        yield from super().faults(scheme)
        if self.once and self.name != self.kind:
            yield Fault("kind", f"the question of kind {self.kind} is called {self.kind}.", "Rename the question.")

    def key_rows(self, scheme: Scheme) -> list[KeyRow]:
        """The rows of labels that get hotkeys, in order."""
        return []

    def show(self, page: InterfacePage) -> None:
        """Adds the question's tags and style rules to the page of the labeling interface."""

    def task_data(self, targets: Sequence[str]) -> dict[str, Any]:
        """Fields that the interface reads from a task whose article lists these targets; raises `SchemeError`."""
        return {}

    @classmethod
    def found(cls, controls: FoundControls) -> Iterator[tuple[str, Self]]:
        """The questions of this kind that a labeling configuration asks, by name."""
        yield from ()

    def read(self, dispatch: Dispatch) -> None:
        """Registers what reads the question's controls."""

    def write_region(self, rows: Sequence[Row], writing: Writing) -> None:
        """Adds the items that are about one region: `rows` are its spans."""

    def write(self, writing: Writing) -> None:
        """Adds the items that are about the whole chunk."""

    def control_by_target(self) -> dict[str, str]:
        """The control that asks about each target, where it is the same in every task."""
        return {}

    def state(self, said: Any, statement: Statement) -> None:
        """Adds the rows of what plain data says; raises `ValueError` (or `KeyError`, `TypeError`) when it cannot be."""

    def parts(self) -> list[str]:
        """What the question consists of besides its names, in words; dropping one would orphan answers."""
        return []

    def rename(self, item: dict[str, Any], renames: Mapping[str, Renames]) -> None:
        """Puts the names of the new scheme into a result item; `renames` are old to new names by question."""

    def with_names(self, more: Mapping[str, Mapping[str, Any]]) -> Self:
        """The question with further labels and targets."""
        fields = {key: name for name, key in self.written_as.items()}
        named: dict[str, Any] = {fields.get(key, key): {**self.names(key), **added} for key, added in more.items()}
        return replace(self, **named)


def kinds(scheme: Scheme) -> list[Kind]:
    """The questions of a scheme as what this room can show, read and write."""
    return [question for question in scheme.questions.values() if isinstance(question, Kind)]


def put(item: dict[str, Any], key: str, names: Mapping[str, str]) -> None:
    """Renames the labels or choices in the value of a result item; what is merged is there once."""
    value = item.get("value")
    given = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(given, list) and all(isinstance(name, str) for name in given):
        value[key] = list(dict.fromkeys(names.get(name, name) for name in given))


def unknown(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raises `ValueError` naming what is not known."""
    if strange := [name for name in given if name not in set(known)]:
        raise ValueError(f"unknown {what} {', '.join(map(repr, strange))}")
