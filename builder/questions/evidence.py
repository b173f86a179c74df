"""Evidence: spans that justify a stance, each naming the targets it concerns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

from builder.errors import Fault
from builder.questions.hotkeys import SHIFTED_DIGITS, ZERO, KeyRow
from builder.questions.kind import Kind, put, unknown
from builder.questions.reading import Dispatch, Reading, SpanLabel
from builder.questions.stance import Stance
from builder.questions.tags import (
    SPANS,
    FoundControls,
    InterfacePage,
    about_region,
    choice,
    element,
    hint,
    short_hints,
)
from builder.questions.writing import Row, Statement, Writing
from builder.scheme import Label, Renames, Scheme

EVIDENCE = "EVIDENCE"
#: The control that asks which targets a span concerns.
CONCERNS = "evidence_target"
COLOR = "#ca8a04"


@dataclass(kw_only=True)
class Evidence(Kind):
    """Spans with the one label EVIDENCE. In mention mode they name no target."""

    kind: ClassVar[str] = "evidence"
    gives: ClassVar[str] = "spans"
    span_kind: ClassVar[str] = "evidence"

    labels: dict[str, Label] = field(default_factory=lambda: {EVIDENCE: Label()}, init=False)

    def faults(self, scheme: Scheme) -> Iterator[Fault]:
        yield from super().faults(scheme)
        if not scheme.of_kind(Stance.kind):
            yield Fault("kind", "evidence justifies a stance, and none is asked.", "Add a question of kind stance.")

    def key_rows(self, scheme: Scheme) -> list[KeyRow]:
        rows = [KeyRow(SPANS, [EVIDENCE], ZERO)]
        stance = _stance(scheme)
        if stance.mode == "fixed":
            rows.append(KeyRow(CONCERNS, list(stance.targets), SHIFTED_DIGITS))
        return rows

    def show(self, page: InterfacePage) -> None:
        words, keys = "Words that justify a stance", page.keys_of(SPANS)
        page.spans.append(element("Label", value=EVIDENCE, background=COLOR, hotkey=keys.get(EVIDENCE, ""), hint=words))
        concerns = page.keys_of(CONCERNS)
        if buttons := [choice(alias, title, "", concerns) for alias, title in _stance(page.scheme).slots().items()]:
            title, ask = "This evidence concerns", "Say which target each evidence span concerns."
            page.below += [
                hint(f"Click a marked {EVIDENCE} span to say which target it concerns."),
                about_region("bd-evidence", title, CONCERNS, [EVIDENCE], "multiple", ask, buttons),
            ]
            page.rules += short_hints(".bd .bd-evidence", concerns.values())

    @classmethod
    def found(cls, controls: FoundControls) -> Iterator[tuple[str, Self]]:
        if EVIDENCE in controls.labels:
            yield cls.kind, cls()

    def read(self, dispatch: Dispatch) -> None:
        stance = _stance(dispatch.scheme)
        targets_of = None
        if stance.mode != "mention":
            dispatch.about_regions(CONCERNS)
            targets_of = partial(_targets, stance.aliases(dispatch))
        dispatch.spans[EVIDENCE] = SpanLabel(EVIDENCE, self.span_kind, targets_of)

    def write_region(self, rows: Sequence[Row], writing: Writing) -> None:
        mine = [row for row in rows if row["kind"] == self.span_kind]
        if about := [target for row in mine for target in row["targets"] or ()]:
            stance = _stance(writing.scheme)
            writing.about_region(CONCERNS, [stance.alias(target, writing.targets) for target in about])

    def state(self, said: Any, statement: Statement) -> None:
        """`[{"start", "end", "targets": [...]}, ...]`."""
        asked = _stance(statement.scheme).asked(statement.targets)
        for mark in said or ():
            about = list(mark.get("targets") or [])
            unknown(about, about if asked is None else asked, "targets of evidence")
            statement.span(self, mark, EVIDENCE, about)

    def parts(self) -> list[str]:
        return ["evidence"]

    def rename(self, item: dict[str, Any], renames: Mapping[str, Renames]) -> None:
        if item.get("from_name") == CONCERNS:
            put(item, "choices", renames[Stance.kind].targets)


def _stance(scheme: Scheme) -> Stance:
    found = scheme.questions[Stance.kind]
    assert isinstance(found, Stance)
    return found


def _targets(targets: Mapping[str, str], reading: Reading, region: str) -> list[str]:
    """The targets that a span concerns, as they are called now."""
    index, item = reading.take_about(region, CONCERNS)
    found: list[str] = []
    for i, alias in enumerate(item.value.choices if item else ()):
        target = targets.get(alias)
        if target is None:
            reading.keep("unknown-label", "error", index, f"{alias!r} is no target", f".value.choices[{i}]")
        elif target not in found:
            found.append(target)
    return found
