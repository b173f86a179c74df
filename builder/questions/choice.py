"""Choice: one or several options about the whole chunk, such as its topic, frame or genre."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

import msgspec

from builder.errors import Fault, SchemeError
from builder.questions.kind import Kind, Statement, Writing, unknown
from builder.questions.page import BLOCK, InterfacePage, literal, names_on
from builder.questions.raw import Choices
from builder.questions.reading import Dispatch, Reading
from builder.scheme import Label, Renames, Scheme, Target

PREFIX = "choice__"
YES, NO = "yes", "no"


@dataclass(kw_only=True)
class Choice(Kind):
    """A question with options. With `many`, each option is a target that is answered yes or no.

    Where an answer is not `required`, an annotation of a question with many options that ticks none says no to each
    that its page showed. A page says since when it shows each option that was added to it. Where nothing is known of
    the page, as in the first pulls, a task of another version of the scheme may not have asked.
    """

    kind: ClassVar[str] = "choice"
    once: ClassVar[bool] = False
    written_as: ClassVar[Mapping[str, str]] = {"title": "heading", "labels": "options"}
    vocabulary: ClassVar[Mapping[str, str]] = {"labels": "option"}
    key_source: ClassVar[str] = BLOCK

    heading: str = ""
    options: dict[str, Label] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    many: bool = False
    required: bool = True
    #: Of a page: options that were added while people annotated, each with the time (UTC, as ISO 8601 has it).
    since: dict[str, str] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        self.labels = {YES: Label("Yes"), NO: Label("No")} if self.many else self.options
        self.targets = {name: Target(option.title) for name, option in self.options.items()} if self.many else {}
        self.absent = NO if self.many else ""

    @property
    def control(self) -> str:
        return PREFIX + self.name

    def renamed(self, renames: Renames) -> Renames:
        return Renames(targets=renames.labels) if self.many else renames

    def faults(self, scheme: Scheme) -> Iterator[Fault]:
        yield from super().faults(scheme)
        least = 1 if self.many else 2
        if len(self.options) < least:
            yield Fault("labels", f"{len(self.options)} options are too few to choose from.", f"Add {least} or more.")

    def show(self, page: InterfacePage) -> None:
        title = literal(self.title(""))
        demand = {"required": "true", "requiredMessage": f"Answer: {title}."} if self.required else {}
        place = "bd-choice bd-asked" if self.required else "bd-choice"
        dated = {"since": json.dumps(self.since)} if self.since else {}
        page.beside.append(page.question(place, self.control, title, self.options, self.many, **demand, **dated))

    @classmethod
    def found(cls, page: ET.Element) -> Iterator[tuple[str, Self]]:
        for question in page.iter("Choices"):
            if (name := question.get("name", "")).startswith(PREFIX):
                options = {option: Label() for option in names_on(page, name)}
                many, required = question.get("choice") == "multiple", question.get("required") == "true"
                made = cls(options=options, many=many, required=required)
                made.since = msgspec.json.decode(question.get("since", "{}"), type=dict[str, str])
                yield name.removeprefix(PREFIX), made

    def read(self, dispatch: Dispatch) -> None:
        options = dispatch.names(self).labels
        if self.many:
            shown: dict[str, str] | None = None
            if dispatch.asked is not None:
                shown = {options[o]: since for o, since in dispatch.asked.get(self.name, {}).items() if o in options}
                for option in self.options:
                    if since := shown.get(option, "now"):
                        what = f"before {since}" if option in shown else f"in project {dispatch.project}"
                        notice = f"{self.name} did not ask about {option} {what}: annotations made there do not say no."
                        dispatch.notices.append(notice)
            elif dispatch.version in ("", dispatch.scheme.version):
                shown = dict.fromkeys(self.options, "")
            dispatch.control(self.control, Choices, partial(self._read, options))
            dispatch.finish.append(partial(self._finish, shown))
        else:
            dispatch.one_answer(self.control, (self.name, ""), options, f"option of {self.name}")

    def write(self, writing: Writing) -> None:
        given = {row["target"]: row["label"] for row in writing.answers(self.name)}
        if strange := set(given) - set(self.asked(None) or ()):
            raise SchemeError(f"{self.name} does not ask about {', '.join(sorted(strange))}.")
        chosen = [option for option in self.options if given.get(option) == YES] if self.many else list(given.values())
        if chosen:
            writing.item(self.control, "choices", {"choices": chosen}, self.control)

    def state(self, said: Any, statement: Statement) -> None:
        """The option, or with `many` the list of those that hold (an empty list says no to each)."""
        if said is None or (said == "" and not self.many):
            return
        if isinstance(said, list) != self.many:
            raise TypeError(f"{said!r} is not {'a list of options' if self.many else 'one option'}")
        unknown(said if self.many else [said], self.options, "options")
        for target in self.asked(None) or ():
            label = (YES if target in said else NO) if self.many else said
            statement.answer(self.name, target, label)

    def parts(self) -> list[str]:
        return [f"{'several answers' if self.many else 'one answer'} to {self.name}"]

    def _read(self, options: Mapping[str, str], reading: Reading, index: int, item: Choices) -> None:
        if self.control in reading.answered:
            reading.keep("answered-twice", "error", index, f"a second answer for {self.name!r}", ".value.choices")
            return
        if item.value.choices:
            reading.answered.add(self.control)
        for option in reading.known(options, index, item, f"option of {self.name}"):
            reading.given[self.name, option] = YES

    def _finish(self, shown: Mapping[str, str] | None, reading: Reading) -> None:
        """What was shown and not ticked is answered no."""
        ticked = self.control in reading.answered
        if shown is None:
            shown = dict.fromkeys(self.options if ticked else (), "")
        for option in self.options if ticked or not self.required else ():
            if option in shown and (self.name, option) not in reading.given and reading.is_made_since(shown[option]):
                reading.rows.answer(self.name, option, NO)
