"""The page of the labeling interface while questions add to it: Label Studio's tags, and a key for every label.

Source: https://labelstud.io/tags/
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from builder.scheme import Label, Scheme

#: The control on which spans are marked, and the text it marks. Every question that gives spans shares it.
SPANS = "entity"
TEXT = "text"
#: On the page of experts: that everything in dispute was decided. It is no answer about the text.
DECIDED = "decided"
SHIFT = "shift+"
#: All but `RESERVED_KEY`.
_LETTERS = "qwertyiopasdfghjklzxcvbnm"
_BLOCKS = ("qwer", "asdf", "zxcv", "tyio", "ghjk", "bnml")

#: Where the keys of a row come from. Digits that run out are followed by letters. So spans take the digits, each
#: question a block of neighbouring letters, read like the row of answers on the page, and ticks what is left.
DIGITS = "123456789"
ZERO = "0"
BLOCK = "block"
SHIFTED_DIGITS = "shifted digits"


@dataclass
class InterfacePage:
    """The parts of the page; `keys` are the hotkeys by control and label."""

    scheme: Scheme
    keys: dict[str, dict[str, str]]
    #: What a span may be marked as.
    spans: list[ET.Element] = field(default_factory=list)
    #: Below the text: what is asked about a selected span.
    below: list[ET.Element] = field(default_factory=list)
    #: Beside the text: what is asked about the chunk.
    beside: list[ET.Element] = field(default_factory=list)
    #: Rules for the style sheet.
    rules: list[str] = field(default_factory=list)

    def mark(self, name: str, description: str, color: str) -> None:
        """Adds a label to those that a span may be marked as."""
        key = self.keys.get(SPANS, {}).get(name, "")
        self.spans.append(element("Label", value=name, background=color, hotkey=key, hint=literal(description)))

    def question(
        self, place: str, control: str, title: str, labels: Mapping[str, Label], many: bool, **more: str
    ) -> ET.Element:
        """A question with a button for each label, in a block with the class `place`; results carry the label's name.

        Its style rules are added: the colours of chosen buttons, and `shift+q` as an arrow and a letter, which fits.
        """
        buttons = []
        for n, (name, label) in enumerate(labels.items(), start=1):
            key = self.keys.get(control, {}).get(name, "")
            words = {"value": literal(label.title or name), "hint": literal(label.description)}
            buttons.append(element("Choice", alias=name, hotkey=key, **words))
            button = f".bd .bd-{control} .lsf-choice:nth-child({n})"
            if label.color:
                self.rules.append(f"{button} {{ --bd-tint: {label.color}; }}")
            if key.startswith(SHIFT):
                shown = f'{button} sup::after {{ content: "[⇧{key[-1]}]"; }}'
                self.rules += [f"{button} sup {{ font-size: 0 !important; }}", shown]
        kind = "multiple" if many else "single-radio"
        asked = element("Choices", *buttons, name=control, toName=TEXT, choice=kind, layout="inline", **more)
        return view(f"{place} bd-{control}", header(title, "bd-name"), asked)

    def about_region(
        self, what: str, control: str, title: str, labels: Mapping[str, Label], message: str, about: Iterable[str],
        many: bool = False,
    ) -> None:  # fmt: skip
        """Adds a question about the selected span, seen while a span with one of the labels `about` is selected.

        A new span is not selected until it is clicked, unless the annotator changes a setting of the page.
        """
        when = {"visibleWhen": "region-selected", "whenTagName": SPANS, "whenLabelValue": ",".join(about)}
        demand = {"perRegion": "true", "required": "true", "requiredMessage": message}
        block = self.question("bd-region", control, title, labels, many, **demand, **when)
        block.attrib |= when
        hint = view("bd-hint", element("Header", value=what, size="5"), visibleWhen="no-region-selected")
        self.below += [hint, block]


def names_on(page: ET.Element, control: str) -> list[str]:
    """What results of a control with labels or buttons may say; empty when the page has no such control."""
    found = page.find(f".//*[@name='{control}']")
    buttons = () if found is None else found.iter()
    return [b.get("alias", b.get("value", "")) for b in buttons if b.tag in ("Label", "Choice")]


def element(name: str, /, *children: ET.Element, text: str = "", **attributes: str) -> ET.Element:
    """An element; empty attributes are left out."""
    made = ET.Element(name, {key: value for key, value in attributes.items() if value})
    made.text = text or None
    made.extend(children)
    return made


def view(name: str, *children: ET.Element, **attributes: str) -> ET.Element:
    """A block with a class of the style sheet."""
    return element("View", *children, className=name, **attributes)


def header(value: str, name: str) -> ET.Element:
    """A line of words in a block of its own."""
    return view(name, element("Header", value=value, size="5"))


def literal(words: str) -> str:
    """Words that Label Studio shows as they are: an invisible joiner keeps `$5` from naming a field of the task.

    >>> literal("$5 & <more>") == "$\\N{WORD JOINER}5 & <more>"
    True
    """
    return words.replace("$", "$\N{WORD JOINER}")


def css_text(words: str) -> str:
    """Words as a text of a style sheet, in which nothing has to be escaped for XML."""
    return '"' + "".join(c if c.isalnum() or c in " []:/" else f"\\{ord(c):x} " for c in words) + '"'


@dataclass
class KeyRow:
    """Labels of one control that get keys: where from, and those that the scheme gives."""

    control: str
    labels: Sequence[str]
    source: str
    given: Mapping[str, str] = field(default_factory=dict)


def assign_hotkeys(rows: Sequence[KeyRow]) -> dict[str, dict[str, str]]:
    """Keys by control and label, none given twice; a label that is missing has no key."""
    keys: dict[str, dict[str, str]] = {}
    for row in rows:
        keys.setdefault(row.control, {}).update({label: key for label, key in row.given.items() if key})
    taken = {key for given in keys.values() for key in given.values()}

    def fill(row: KeyRow, source: Iterable[str]) -> None:
        mine = keys[row.control]
        free = [key for key in source if key not in taken]
        mine.update(zip([label for label in row.labels if label not in mine], free, strict=False))
        taken.update(mine.values())

    of = {source: [row for row in rows if row.source == source] for source in (DIGITS, ZERO, BLOCK, SHIFTED_DIGITS)}
    for row in rows:
        if row.source in (DIGITS, ZERO):
            fill(row, row.source)
    blocks = {width: _blocks(width, taken) for width in {len(row.labels) for row in of[BLOCK]}}
    for row in of[BLOCK]:
        fill(row, next(blocks[len(row.labels)], []))
    for row in of[DIGITS]:
        fill(row, [*_LETTERS, *(SHIFT + letter for letter in _LETTERS)])
    for row in of[SHIFTED_DIGITS]:
        fill(row, [SHIFT + digit for digit in DIGITS])
    return keys


def _blocks(width: int, taken: set[str]) -> Iterator[list[str]]:
    """Keys for one question at a time: whole blocks first, then what is left, then the same with shift."""
    for shift in ("", SHIFT):
        if width <= len(_BLOCKS[0]):
            for block in _BLOCKS:
                keys = [shift + letter for letter in block[:width]]
                if not taken.intersection(keys):
                    yield keys
        while len(rest := [key for letter in _LETTERS if (key := shift + letter) not in taken]) >= width:
            yield rest[:width]
