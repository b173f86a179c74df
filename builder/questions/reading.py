"""One annotation becomes rows: its result items go to the questions by control, and odd ones become issues."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.questions import raw
from builder.questions.spans import CODE_POINTS, is_plain, locate, same, trim
from builder.questions.tags import SPANS
from builder.scheme import Question, Renames, Scheme

if TYPE_CHECKING:
    # Composing a configuration imports every kind of question, and must not import Arrow.
    from builder.questions.rows import Rows

Handler = Callable[["Reading", int, Any], None]
#: Start and end in the chunk's text, and the words there.
Place = tuple[int, int, str]
#: What reads the answers about a region: gets its id, its words (None where its place is not certain), its labels.
RegionHandler = Callable[["Reading", str, str | None, Sequence[str]], None]


class SpanLabel(NamedTuple):
    """What a marked label means: its current name, the span kind, and what finds the targets of the span, if any."""

    label: str
    kind: str
    targets: Callable[["Reading", str], list[str]] | None


class Dispatch:
    """Which question reads which control and label of a task: pushed as `version`, with these targets of its own.

    Questions register themselves. `finish` is called with each submitted annotation after its items were read.
    """

    def __init__(self, scheme: Scheme, version: str, targets: Sequence[str]) -> None:
        self.scheme, self.version, self.targets = scheme, version, targets
        self.controls: dict[str, tuple[type, Handler]] = {SPANS: (raw.Region, Reading.add_region)}
        self.spans: dict[str, SpanLabel] = {}
        self.single: dict[str, tuple[tuple[str, str], Mapping[str, str]]] = {}
        self.regions: list[RegionHandler] = []
        self.finish: list[Callable[[Reading], None]] = []
        #: What to report once about all annotations of this version.
        self.notices: list[str] = []

    @property
    def span_kinds(self) -> dict[str, str]:
        """The kind of span by label."""
        return {given: marked.kind for given, marked in self.spans.items()}

    def names(self, question: Question) -> Renames:
        """Every known label and target of a question, earlier or current, with its current name."""
        return self.scheme.names(question.name, self.version)

    def control(self, name: str, takes: type, handler: Handler) -> None:
        """Items of a control, which are of the class `takes`, go to `handler` with their index."""
        self.controls[name] = (takes, handler)

    def one_answer(self, name: str, asked: tuple[str, str], labels: Mapping[str, str], noun: str) -> None:
        """Items of a control give one label for the question and target `asked`; a second item is an error."""

        def read(reading: "Reading", index: int, item: raw.Choices) -> None:
            label = reading.one_label(labels, index, item, noun)
            if label is None:
                return
            if reading.given.setdefault(asked, label) != label or name in reading.answered:
                about = asked[1] or asked[0]
                reading.keep("answered-twice", "error", index, f"a second answer for {about!r}", ".value.choices")
            reading.answered.add(name)

        self.single[name] = asked, labels
        self.control(name, raw.Choices, read)

    def about_regions(self, name: str) -> None:
        """Items of a control are kept for `Reading.take_about`."""
        self.controls[name] = (raw.Choices, Reading.add_about)


def read_plain(rows: "Rows", dispatch: Dispatch, data: raw.TaskData, result: Sequence[raw.Item]) -> bool:
    """Adds the rows of a result in which all is as expected; False, and no row, where anything is not.

    Almost every annotation consists of spans with one label each, where they say they are, and of single answers.
    Reading those takes half the time that `Reading` takes, which can explain what is odd.
    """
    text, first, length = data.text, data.start, len(data.text)
    known, single = dispatch.spans, dispatch.single
    ids, kinds, starts, ends, names, texts, about = rows.spans.lists
    answers: dict[tuple[str, str], str] = {}
    for item in result:
        if item.__class__ is raw.Region and item.from_name == SPANS:
            value = item.value
            start, end, given = value.start, value.end, value.labels
            words = text[start:end]
            mark = known.get(given[0]) if len(given) == 1 else None
            sure = words == value.text and 0 <= start < end <= length and words.strip() == words
            if mark is None or mark.targets or not sure:
                break
            ids.append(item.id or None)
            kinds.append(mark.kind)
            starts.append(first + start)
            ends.append(first + end)
            names.append(mark.label)
            texts.append(words)
            about.append(_NO_TARGETS)
        elif item.__class__ is raw.Choices and item.from_name in single:
            asked, labels = single[item.from_name]
            chosen = item.value.choices
            label = labels.get(chosen[0]) if len(chosen) == 1 else None
            if label is None or asked in answers:
                break
            answers[asked] = label
        else:
            break
    else:
        if not dispatch.finish:
            for (question, target), label in answers.items():
                rows.answer(question, target, label)
            return True
    rows.drop()
    return False


class Reading:
    """What one annotation says; its spans and answers are appended to `rows`."""

    __slots__ = (
        *("_about", "_line", "_made", "_number", "_regions", "_rows", "_task", "annotator"),
        *("answered", "comment", "dispatch", "given", "id", "problems", "quarantined"),
    )

    def __init__(self, rows: "Rows", dispatch: Dispatch, task: raw.Task, line: bytes, number: int, who: str) -> None:
        self._rows, self._task, self._line, self._number = rows, task, line, number
        self.dispatch, self.annotator = dispatch, who
        self._made = task.annotations[number]
        self._regions: list[tuple[int, raw.Region]] = []
        #: Answers about regions that no question took yet, by region id and control, with the index of the item.
        self._about: dict[tuple[str, str], tuple[int, raw.Choices]] = {}
        self.given: dict[tuple[str, str], str] = {}
        self.answered: set[str] = set()
        self.id = f"{task.project}:{self._made.id}"
        self.problems: list[str] = []
        self.comment: str | None = None
        self.quarantined = False

    def read(self) -> "Reading":
        """Fills the rows, and adds an issue for everything that is not as expected."""
        controls = self.dispatch.controls
        for index, item in enumerate(self._made.result):
            takes, handler = controls.get(item.from_name, _NOTHING)
            if item.__class__ is takes:
                handler(self, index, item)
            else:
                self._other(index, item)
        if self._regions:
            self._read_regions()
        for (region_id, _), (index, _) in self._about.items():
            # An answer that remained when a span got another label changes nothing; one without a span was a judgement.
            known = any(region.id == region_id for _, region in self._regions)
            self.keep("stray-answer", "warning" if known else "error", index, "no region is asked this question")
        for (question, target), label in self.given.items():
            self.add_answer(question, target, label)
        for finish in self.dispatch.finish:
            finish(self)
        return self

    def add_answer(self, question: str, target: str, label: str, region: str | None = None) -> None:
        """Adds a row of ANSWERS."""
        self._rows.answer(question, target, label, region)

    def one_label(self, labels: Mapping[str, str], index: int, item: raw.Choices, noun: str) -> str | None:
        """The current name of the chosen label; None where nothing is chosen, or with an issue where it is not one."""
        chosen = item.value.choices
        label = labels.get(chosen[0]) if len(chosen) == 1 else None
        if label is None and len(chosen) > 1:
            self.keep("answered-twice", "error", index, f"{len(chosen)} answers where one is asked", ".value.choices")
        elif label is None and chosen:
            self.keep("unknown-label", "error", index, f"{chosen[0]!r} is no {noun}", ".value.choices[0]")
        return label

    def add_region(self, index: int, item: raw.Region) -> None:
        self._regions.append((index, item))

    def add_about(self, index: int, item: raw.Choices) -> None:
        if self._about.setdefault((item.id, item.from_name), (index, item))[0] != index:
            self.keep("answered-twice", "error", index, f"a second answer about region {item.id!r}")

    def take_about(self, region: str, control: str) -> tuple[int, raw.Choices | None]:
        """What was answered about a region, with the index of the item."""
        return self._about.pop((region, control), (0, None))

    def issue(self, check: str, severity: str, path: str, message: str, repair: str | None = None) -> None:
        """Adds an issue about this annotation; an error quarantines it."""
        self.quarantined |= severity == "error"
        self._rows.issue(
            check=check, severity=severity, annotation_id=self.id, chunk_id=self._task.data.chunk_id,
            task_id=self._task.id, annotator=self.annotator, path=path, message=message, repair=repair,
        )  # fmt: skip

    def keep(self, check: str, severity: str, index: int, what: str, field: str = "") -> None:
        """Adds an issue that carries the result item as it came."""
        item = raw.item(self._line, "annotations", self._number, index)
        self.issue(check, severity, self._path(index, field), f"{what}: {item}")

    def _path(self, index: int, field: str = "") -> str:
        return f"$.annotations[{self._number}].result[{index}]{field}"

    def _other(self, index: int, item: raw.Item) -> None:
        control = item.from_name
        ours = control in self.dispatch.controls
        if not isinstance(item, raw.Odd):
            if ours:
                self.keep("malformed", "error", index, f"{control!r} is another kind of control")
            else:
                self.keep("unknown-control", "warning", index, f"the scheme has no control {control!r}")
        elif item.kind == "relation":
            self.issue("relation", "warning", item.path, f"relations are not asked for: {item.raw}")
        elif ours or not control:
            self.issue("malformed", "error", item.path, f"{item.problem}: {item.raw}")
        else:
            self.issue("unknown-control", "warning", item.path, f"{item.problem}: {item.raw}")

    def _read_regions(self) -> None:
        first, known = self._task.data.start, self.dispatch.spans
        ids, kinds, starts, ends, names, texts, about = self._rows.spans.lists
        for (index, region), place in zip(self._regions, self._places(), strict=True):
            given = region.value.labels
            # Almost every region has one known label.
            one = known.get(given[0]) if len(given) == 1 else None
            marks = self._marks(index, given) if one is None else (one,)
            start, end, words = place or _NOWHERE
            for label, kind, targets_of in marks:
                targets = targets_of(self, region.id) if targets_of else _NO_TARGETS
                if words is not None:
                    ids.append(region.id or None)
                    kinds.append(kind)
                    starts.append(first + start)
                    ends.append(first + end)
                    names.append(label)
                    texts.append(words)
                    about.append(targets)
            if self._about:
                for handler in self.dispatch.regions:
                    handler(self, region.id, words, [mark.label for mark in marks])

    def _marks(self, index: int, given: Sequence[str]) -> list[SpanLabel]:
        """What the labels of a region mean, each once; an issue for what cannot be named."""
        if not given:
            self.keep("unlabelled-region", "error", index, "a marked span without a label")
        found: dict[str, SpanLabel] = {}
        for i, name in enumerate(given):
            marked = self.dispatch.spans.get(name)
            if marked is None:
                self.keep("unknown-label", "error", index, f"{name!r} is no entity label", f".value.labels[{i}]")
            else:
                found.setdefault(marked.label, marked)
        return list(found.values())

    def _places(self) -> list[Place | None]:
        """Where each region is; None where that is not certain."""
        text = self._task.data.text
        length = len(text)
        places: list[Place | None] = []
        for _, region in self._regions:
            value = region.value
            start, end = value.start, value.end
            words = text[start:end]
            if not 0 <= start < end <= length or words.strip() != words:
                return self._repair()
            if words != value.text and not same(words, value.text or ""):
                return self._repair()
            places.append((start, end, words))
        return places

    def _repair(self) -> list[Place | None]:
        """Where each region is, with an issue for each that is not where it says."""
        text = self._task.data.text
        places: list[Place | None] = []
        for (index, region), found in zip(
            self._regions, locate(text, [region.value for _, region in self._regions]), strict=True
        ):
            value = region.value
            given = f"[{value.start}, {value.end})"
            if found is None:
                self.keep("span-lost", "error", index, f"no certain place in the chunk for {given}", ".value")
                places.append(None)
                continue
            if not value.text and not is_plain(text[: found.end]):
                self.keep("span-unverified", "warning", index, "no text shows in which units it counts", ".value")
            start, end = trim(text, found.start, found.end)
            if start == end:
                self.keep("span-blank", "error", index, f"{given} contains only blanks", ".value")
                places.append(None)
                continue
            if found.how != CODE_POINTS:
                self.issue(
                    "span-offsets", "info", self._path(index, ".value"), f"{given} is not {value.text!r}",
                    f"[{found.start}, {found.end}) is: {found.how}",
                )  # fmt: skip
            if (start, end) != (found.start, found.end):
                self.issue(
                    "span-trimmed", "info", self._path(index, ".value"),
                    f"{text[found.start : found.end]!r} has blanks at its edges", f"[{start}, {end}) has none",
                )  # fmt: skip
            places.append((start, end, text[start:end]))
        return places


_NOWHERE = (0, 0, None)
_NO_TARGETS: list[str] = []
_NOTHING: tuple[type, Handler] = (type(None), Reading.add_region)
