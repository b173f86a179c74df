"""One annotation becomes rows: its result items read against the scheme, odd ones turned into issues."""

from collections.abc import Mapping
from typing import Any

from builder.questions import controls, raw
from builder.questions.names import Names
from builder.questions.rows import Rows
from builder.questions.spans import CODE_POINTS, is_plain, locate, same, trim
from builder.scheme import EVIDENCE

_ALWAYS = {controls.ENTITY, controls.PROBLEM, controls.COMMENT}

#: Answers about regions: (region id, control) to (index of the result, what was chosen).
Answers = dict[tuple[str, str], tuple[int, list[str]]]


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
        about: Answers = {}
        answers: dict[str, str] = {}
        asked, of_region = self._asked, self._names.of_region
        for index, item in enumerate(self._made.result):
            if isinstance(item, raw.Region) and item.from_name == controls.ENTITY:
                regions.append((index, item))
            elif isinstance(item, raw.Choices) and item.from_name in asked:
                self._stance(index, item, answers)
            elif isinstance(item, raw.Choices) and item.from_name in of_region:
                if about.setdefault((item.id, item.from_name), (index, item.value.choices))[0] != index:
                    self._keep("answered-twice", "error", index, f"a second answer about region {item.id!r}")
            elif isinstance(item, raw.Choices) and item.from_name == controls.PROBLEM:
                self._problem(index, item)
            elif isinstance(item, raw.Text) and item.from_name == controls.COMMENT:
                text = item.value.text
                said = text if isinstance(text, str) else "\n".join(text)
                self.comment = said if self.comment is None else f"{self.comment}\n{said}"
            else:
                self._other(index, item)
        if regions:
            self._regions(regions, about)
        for (region_id, _), (index, _) in about.items():
            # An answer left behind when a span got another label changes nothing; one without a span was a judgement.
            known = any(region.id == region_id for _, region in regions)
            self._keep("stray-answer", "warning" if known else "error", index, "no region is asked this question")
        self.stances += [(self._owner, "stance", target, None, label) for target, label in answers.items()]
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
        control = item.control if isinstance(item, raw.Odd) else item.from_name
        ours = control in _ALWAYS or control in self._asked or control in self._names.of_region
        if not isinstance(item, raw.Odd):
            if ours:
                self._keep("malformed", "error", index, f"{control!r} is another kind of control")
            else:
                self._keep("unknown-control", "warning", index, f"the scheme has no control {control!r}")
        elif item.kind == "relation":
            self.issue("relation", "warning", item.path, f"relations are not asked for: {item.raw}")
        elif ours or not control:
            self.issue("malformed", "error", item.path, f"{item.problem}: {item.raw}")
        else:
            self.issue("unknown-control", "warning", item.path, f"{item.problem}: {item.raw}")

    def _regions(self, regions: list[tuple[int, raw.Region]], about: Answers) -> None:
        """Adds the rows of all regions, and takes out of `about` what was asked of them."""
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
        entities = self._names.entities
        for (index, region), place in zip(regions, places, strict=True):
            name = region.id
            labels = region.value.labels
            if not labels:
                self._keep("unlabelled-region", "error", index, "a marked span without a label")
            words = text[place[0] : place[1]] if place else ""
            found = []
            for i, given in enumerate(labels):
                label = entities.get(given)
                if label is None:
                    self._keep("unknown-label", "error", index, f"{given!r} is no entity label", f".value.labels[{i}]")
                elif label not in found:
                    found.append(label)
                    evidence = label == EVIDENCE
                    targets = self._targets(about.pop((name, controls.EVIDENCE_TARGET), None)) if evidence else []
                    kind = "evidence" if evidence else "entity"
                    if place:
                        start, end = first + place[0], first + place[1]
                        self.spans.append((self._owner, name or None, kind, start, end, label, words, targets))
            if about and found and found != [EVIDENCE]:
                self._mention(name, words if place else None, about.pop((name, controls.MENTION_STANCE), None))

    def _mention(self, region: str, words: str | None, answer: tuple[int, list[str]] | None) -> None:
        if answer is None or not answer[1]:
            return
        index, chosen = answer
        label = self._names.stance.get(chosen[0]) if len(chosen) == 1 else None
        if label is None:
            check = "stance-twice" if len(chosen) > 1 else "unknown-label"
            self._keep(check, "error", index, f"{chosen} is not one stance label", ".value.choices")
        elif words is not None:
            self.stances.append((self._owner, "stance", words, region, label))

    def _targets(self, answer: tuple[int, list[str]] | None) -> list[str]:
        index, named = answer or (0, [])
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
