"""One annotation becomes rows: its result items read against the scheme, odd ones turned into issues."""

from collections.abc import Mapping
from typing import Any

from builder.labels import controls, raw
from builder.labels.names import Names
from builder.labels.rows import Rows
from builder.labels.spans import CODE_POINTS, is_plain, locate, same, trim
from builder.scheme import EVIDENCE

_OF_REGION = (controls.EVIDENCE_TARGET, controls.MENTION_STANCE)
_OURS = {controls.ENTITY, controls.PROBLEM, controls.COMMENT, *_OF_REGION}


class Reading:
    """What one annotation says. Rows of `spans` and `stances` start with the index of the annotation."""

    def __init__(
        self, rows: Rows, names: Names, asked: Mapping[str, str], task: raw.Task, line: bytes, number: int, who: str
    ) -> None:
        self._rows, self._names, self._asked = rows, names, asked
        self._task, self._line, self._number, self._annotator = task, line, number, who
        self._answered: set[str] = set()
        self._made = task.annotations[number]
        self._owner = rows.owner
        self.id = f"{task.project}:{self._made.id}"
        self.spans: list[tuple[Any, ...]] = []
        self.stances: list[tuple[Any, ...]] = []
        self.problems: list[str] = []
        self.comment: str | None = None
        self.quarantined = False

    def read(self) -> "Reading":
        """Fills the rows, and adds an issue for everything that is not as expected."""
        regions: list[tuple[int, raw.Region]] = []
        of_region: dict[str, dict[str, tuple[int, list[str]]]] = {}
        answers: dict[str, str] = {}
        asked = self._asked
        for index, item in enumerate(self._made.result):
            if isinstance(item, raw.Region) and item.from_name == controls.ENTITY:
                regions.append((index, item))
            elif isinstance(item, raw.Choices) and item.from_name in asked:
                self._stance(index, item, answers)
            elif isinstance(item, raw.Choices) and item.from_name in _OF_REGION:
                of_region.setdefault(item.id, {})[item.from_name] = (index, item.value.choices)
            elif isinstance(item, raw.Choices) and item.from_name == controls.PROBLEM:
                self._problem(index, item)
            elif isinstance(item, raw.Text) and item.from_name == controls.COMMENT:
                text = item.value.text
                self.comment = text if isinstance(text, str) else "\n".join(text)
            else:
                self._other(index, item)
        if regions:
            self._regions(regions, of_region)
        for left in of_region.values():
            for index, _ in left.values():
                self._keep("unlabelled-region", "error", index, "answers a question about a region without a label")
        self.stances += [(self._owner, target, None, label) for target, label in answers.items()]
        return self

    def issue(self, check: str, severity: str, path: str, message: str, repair: str | None = None) -> None:
        """Adds an issue about this annotation; an error quarantines it."""
        self.quarantined |= severity == "error"
        self._rows.issue(
            check=check, severity=severity, annotation_id=self.id, chunk_id=self._task.data.chunk_id,
            task_id=self._task.id, annotator=self._annotator, path=path, message=message, repair=repair,
        )  # fmt: skip

    def _path(self, index: int, field: str = "") -> str:
        return f"$.annotations[{self._number}].result[{index}]{field}"

    def _keep(self, check: str, severity: str, index: int, what: str, field: str = "") -> None:
        """An issue that carries the result as it came."""
        item = raw.item(self._line, "annotations", self._number, index)
        self.issue(check, severity, self._path(index, field), f"{what}: {item}")

    def _stance(self, index: int, item: raw.Choices, answers: dict[str, str]) -> None:
        chosen = item.value.choices
        if not chosen:
            return
        target = self._asked[item.from_name]
        label = self._names.stance.get(chosen[0])
        if len(chosen) > 1:
            self._keep("stance-twice", "error", index, f"{len(chosen)} answers where one is asked", ".value.choices")
        elif label is None:
            self._keep("unknown-label", "error", index, f"{chosen[0]!r} is no stance label", ".value.choices[0]")
        elif answers.setdefault(target, label) != label or item.from_name in self._answered:
            self._keep("stance-twice", "error", index, f"a second answer for {target!r}", ".value.choices")
        self._answered.add(item.from_name)

    def _problem(self, index: int, item: raw.Choices) -> None:
        for i, problem in enumerate(item.value.choices):
            if problem in self._names.problems:
                self.problems.append(problem)
            else:
                self._keep("unknown-label", "warning", index, f"{problem!r} is no problem", f".value.choices[{i}]")

    def _other(self, index: int, item: raw.Item) -> None:
        if not isinstance(item, raw.Odd):
            self._keep("unknown-control", "warning", index, f"the scheme has no control {item.from_name!r}")
        elif item.kind == "relation":
            self.issue("relation", "warning", item.path, f"relations are not asked for: {item.raw}")
        elif item.control in _OURS or item.control in self._asked:
            self.issue("malformed", "error", item.path, f"{item.problem}: {item.raw}")
        else:
            self.issue("unknown-control", "warning", item.path, f"{item.problem}: {item.raw}")

    def _regions(
        self, regions: list[tuple[int, raw.Region]], of_region: dict[str, dict[str, tuple[int, list[str]]]]
    ) -> None:
        text, first = self._task.data.text, self._task.data.start
        length = len(text)
        places: list[tuple[int, int] | None] = []
        for _, region in regions:
            value = region.value
            start, end = value.start, value.end
            piece = text[start:end]
            if (
                not 0 <= start < end <= length
                or (piece != value.text and not same(piece, value.text or ""))
                or piece[0].isspace()
                or piece[-1].isspace()
            ):
                places = self._repair(regions)
                break
            places.append((start, end))
        for (index, region), place in zip(regions, places, strict=True):
            answers = of_region.pop(region.id, None) if region.id else None
            if not region.value.labels:
                self._keep("unlabelled-region", "error", index, "a marked span without a label")
            if place is None:
                continue
            words = text[place[0] : place[1]]
            for i, name in enumerate(region.value.labels):
                targets: list[str] = []
                if name == EVIDENCE:
                    kind, label = "evidence", EVIDENCE
                    targets = self._targets(answers)
                elif name in self._names.entities:
                    kind, label = "entity", self._names.entities[name]
                else:
                    self._keep("unknown-label", "error", index, f"{name!r} is no entity label", f".value.labels[{i}]")
                    continue
                self.spans.append(
                    (self._owner, region.id or None, kind, first + place[0], first + place[1], label, words, targets)
                )
            if answers and controls.MENTION_STANCE in answers:
                self._mention(region.id, words, *answers[controls.MENTION_STANCE])

    def _mention(self, region: str, words: str, index: int, chosen: list[str]) -> None:
        label = self._names.stance.get(chosen[0]) if len(chosen) == 1 else None
        if label is not None:
            self.stances.append((self._owner, words, region, label))
        elif chosen:
            check = "stance-twice" if len(chosen) > 1 else "unknown-label"
            self._keep(check, "error", index, f"{chosen} is not one stance label", ".value.choices")

    def _targets(self, answers: dict[str, tuple[int, list[str]]] | None) -> list[str]:
        index, named = (answers or {}).get(controls.EVIDENCE_TARGET, (0, []))
        targets: list[str] = []
        for i, alias in enumerate(named):
            target = self._asked.get(controls.stance(alias))
            if target is None:
                self._keep("unknown-label", "error", index, f"{alias!r} is no target", f".value.choices[{i}]")
            elif target not in targets:
                targets.append(target)
        return targets

    def _repair(self, regions: list[tuple[int, raw.Region]]) -> list[tuple[int, int] | None]:
        """Where each region lies, None where that is not certain; an issue for each that is not where it says."""
        text = self._task.data.text
        places: list[tuple[int, int] | None] = []
        for (index, region), found in zip(regions, locate(text, [r.value for _, r in regions]), strict=True):
            value = region.value
            given = f"[{value.start}, {value.end})"
            if found is None:
                self._keep("span-lost", "error", index, f"no certain place in the chunk for {given}", ".value")
                places.append(None)
                continue
            if not value.text and not is_plain(text[: found.end]):
                self._keep("span-unverified", "warning", index, "no text tells in which units it counts", ".value")
            start, end = trim(text, found.start, found.end)
            if start == end:
                self._keep("span-blank", "error", index, f"{given} holds only blanks", ".value")
                places.append(None)
                continue
            if found.how != CODE_POINTS:
                self.issue(
                    "span-offsets", "info", self._path(index, ".value"), f"{given} does not hold {value.text!r}",
                    f"[{found.start}, {found.end}) does: {found.how}",
                )  # fmt: skip
            if (start, end) != (found.start, found.end):
                self.issue(
                    "span-trimmed", "info", self._path(index, ".value"),
                    f"{text[found.start : found.end]!r} has blanks at its edges", f"[{start}, {end}) has none",
                )  # fmt: skip
            places.append((start, end))
        return places
