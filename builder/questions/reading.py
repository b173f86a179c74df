"""One annotation becomes rows: its result items go to the questions by control, and odd ones become issues."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from builder.questions import raw
from builder.questions.page import DECIDED, SPANS
from builder.questions.spans import CODE_POINTS, Found, is_plain, locate, trim
from builder.scheme import Question, Renames, Scheme

if TYPE_CHECKING:
    # Composing a configuration imports every kind of question, and must not import Arrow.
    from builder.questions.rows import Rows

T = TypeVar("T")
#: By question with many options: since when each is shown (UTC, as ISO 8601 has it), empty for always.
Asked = Mapping[str, Mapping[str, str]]
Handler = Callable[["Reading", int, Any], None]
#: What reads the answers about a region: gets its id, its words (None where its place is not certain), its labels.
RegionHandler = Callable[["Reading", str, str | None, Sequence[str]], None]


class SpanLabel(NamedTuple):
    """What a marked label means: its current name, the span kind, and what finds the targets of the span, if any."""

    label: str
    kind: str
    targets: Callable[["Reading", str], list[str]] | None


class Dispatch:
    """Which question reads which control and label of a task: pushed as `version`, with these targets of its own.

    Questions register themselves. `finish` is called with each submitted annotation after its items were read. `asked`
    are the options that the page of the project shows, as `dates_of` gives them; None where nothing is known of it.
    """

    def __init__(
        self, scheme: Scheme, version: str, targets: Sequence[str], project: int = 0, asked: Asked | None = None
    ) -> None:
        self.scheme, self.version, self.targets, self.project, self.asked = scheme, version, targets, project, asked
        self.controls: dict[str, tuple[type, Handler]] = {
            SPANS: (raw.Region, Reading.add_region),
            DECIDED: (raw.Choices, lambda *_: None),
        }
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


def read_plain(rows: "Rows", dispatch: Dispatch, data: raw.TaskData, result: Sequence[raw.Item]) -> bool:
    """Adds the rows of a result in which all is as expected; False, and no row, where anything is not.

    Almost every annotation consists of spans with one label each, where they say they are, and of single answers.
    Reading those takes half the time that `Reading` takes, which can explain what is odd.
    """
    if dispatch.finish:
        return False
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
        for (question, target), label in answers.items():
            rows.answer(question, target, label)
        return True
    rows.drop()
    return False


class Reading:
    """What one annotation says; its spans and answers are appended to `rows`."""

    def __init__(self, rows: "Rows", dispatch: Dispatch, task: raw.Task, line: bytes, number: int, who: str) -> None:
        self.rows, self._task, self._line, self._number = rows, task, line, number
        self.dispatch, self.annotator = dispatch, who
        self._made = task.annotations[number]
        self._regions: list[tuple[int, raw.Region]] = []
        #: Answers about regions that no question took yet, by region id and control, with the index of the item.
        self._about: dict[tuple[str, str], tuple[int, raw.Choices]] = {}
        self.given: dict[tuple[str, str], str] = {}
        self.answered: set[str] = set()
        self.problems: list[str] = []
        self.comment: str | None = None
        self.quarantined = False

    def read(self) -> "Reading":
        """Fills the rows, and adds an issue for everything that is not as expected."""
        for index, item in enumerate(self._made.result):
            takes, handler = self.dispatch.controls.get(item.from_name, (None, None))
            if handler and item.__class__ is takes:
                handler(self, index, item)
            else:
                self._other(index, item, handler is not None)
        self._read_regions()
        known = {region.id for _, region in self._regions}
        for (region_id, _), (index, _) in self._about.items():
            # An answer that remained when a span got another label changes nothing; one without a span was a judgement.
            severity = "warning" if region_id in known else "error"
            self.keep("stray-answer", severity, index, "no region is asked this question")
        for (question, target), label in self.given.items():
            self.rows.answer(question, target, label)
        for finish in self.dispatch.finish:
            finish(self)
        return self

    def known(
        self, names: Mapping[str, T], index: int, item: raw.Choices | raw.Region, noun: str, severity: str = "error"
    ) -> list[T]:
        """What the given labels or choices are called now, each once; an issue for each that is not known."""
        key, given = ("choices", item.value.choices) if isinstance(item, raw.Choices) else ("labels", item.value.labels)
        found: list[T] = []
        for i, name in enumerate(given):
            if name not in names:
                self.keep("unknown-label", severity, index, f"{name!r} is no {noun}", f".value.{key}[{i}]")
            elif names[name] not in found:
                found.append(names[name])
        return found

    def one_label(self, labels: Mapping[str, str], index: int, item: raw.Choices, noun: str) -> str | None:
        """The current name of the chosen label; None where nothing is chosen, or with an issue where it is not one."""
        number = len(item.value.choices)
        if number > 1:
            self.keep("answered-twice", "error", index, f"{number} answers where one is asked", ".value.choices")
            return None
        return next(iter(self.known(labels, index, item, noun)), None)

    def add_region(self, index: int, item: raw.Region) -> None:
        self._regions.append((index, item))

    def add_about(self, index: int, item: raw.Choices) -> None:
        if self._about.setdefault((item.id, item.from_name), (index, item))[0] != index:
            self.keep("answered-twice", "error", index, f"a second answer about region {item.id!r}")

    def take_about(self, region: str, control: str) -> tuple[int, raw.Choices] | None:
        """What was answered about a region, with the index of the item."""
        return self._about.pop((region, control), None)

    def is_made_since(self, time: str) -> bool:
        """Whether the annotation was made at a time or later; an empty one is always."""
        made = self._made.created_at
        return not time or (made is not None and made >= datetime.fromisoformat(time))

    def issue(self, check: str, severity: str, path: str, message: str, repair: str | None = None) -> None:
        """Adds an issue about this annotation, at a path below it; an error quarantines it."""
        self.quarantined |= severity == "error"
        self.rows.issue(
            check=check, severity=severity, annotation_id=f"{self._task.project}:{self._made.id}",
            chunk_id=self._task.data.chunk_id, task_id=self._task.id, annotator=self.annotator,
            path=f"$.annotations[{self._number}].{path}", message=message, repair=repair,
        )  # fmt: skip

    def keep(self, check: str, severity: str, index: int, what: str, field: str = "") -> None:
        """Adds an issue that carries the result item as it came."""
        item = raw.item(self._line, self._number, index)
        self.issue(check, severity, f"result[{index}]{field}", f"{what}: {item}")

    def _other(self, index: int, item: raw.Item, ours: bool) -> None:
        if isinstance(item, raw.Odd) and item.kind == "relation":
            self.keep("relation", "warning", index, "relations are not asked for", item.field)
        elif isinstance(item, raw.Odd):
            odd = ("malformed", "error") if ours or not item.from_name else ("unknown-control", "warning")
            self.keep(*odd, index, item.problem, item.field)
        elif ours:
            self.keep("malformed", "error", index, f"{item.from_name!r} is another kind of control")
        else:
            self.keep("unknown-control", "warning", index, f"the scheme has no control {item.from_name!r}")

    def _read_regions(self) -> None:
        text, first = self._task.data.text, self._task.data.start
        places = locate(text, [region.value for _, region in self._regions])
        for (index, region), found in zip(self._regions, places, strict=True):
            marks = self.known(self.dispatch.spans, index, region, "entity label")
            if not region.value.labels:
                self.keep("unlabelled-region", "error", index, "a marked span without a label")
            place = self._place(index, region.value, found)
            words = text[slice(*place)] if place else None
            for label, kind, targets_of in marks:
                targets = targets_of(self, region.id) if targets_of else _NO_TARGETS
                if place:
                    start, end = (first + edge for edge in place)
                    self.rows.spans.add(region.id or None, kind, start, end, label, words, targets)
            if self._about:
                for handler in self.dispatch.regions:
                    handler(self, region.id, words, [mark.label for mark in marks])

    def _place(self, index: int, value: raw.RegionValue, found: Found | None) -> tuple[int, int] | None:
        """Where a region is, with an issue where that is not what it says; None where it is not certain."""
        text, path = self._task.data.text, f"result[{index}].value"
        given = f"[{value.start}, {value.end})"
        if found is None:
            self.keep("span-lost", "error", index, f"no certain place in the chunk for {given}", ".value")
            return None
        if not value.text and not is_plain(text[: found.end]):
            self.keep("span-unverified", "warning", index, "no text shows in which units it counts", ".value")
        start, end = trim(text, found.start, found.end)
        if start == end:
            self.keep("span-blank", "error", index, f"{given} contains only blanks", ".value")
            return None
        if found.how != CODE_POINTS:
            where = f"[{found.start}, {found.end}) is: {found.how}"
            self.issue("span-offsets", "info", path, f"{given} is not {value.text!r}", where)
        if (start, end) != (found.start, found.end):
            what = f"{text[found.start : found.end]!r} has blanks at its edges"
            self.issue("span-trimmed", "info", path, what, f"[{start}, {end}) has none")
        return start, end


_NO_TARGETS: list[str] = []
