"""The building blocks of the labeling interface in Label Studio's XML, and its page while questions add theirs to it.

Source: https://labelstud.io/tags/
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from builder.questions.hotkeys import SHIFT
from builder.scheme import Label, Scheme

#: The control on which spans are marked, and the text it marks. Every question that gives spans shares it.
SPANS = "entity"
TEXT = "text"


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

    def keys_of(self, control: str) -> dict[str, str]:
        """Hotkey by label of one control."""
        return self.keys.get(control, {})


@dataclass
class FoundControls:
    """What a labeling configuration contains: labels of spans, elements with buttons, and names of text areas."""

    labels: list[str]
    choices: dict[str, ET.Element]
    areas: set[str]

    def names(self, control: str) -> list[str]:
        """What results of a control with buttons may say."""
        found = self.choices[control].iter("Choice") if control in self.choices else ()
        return [button.get("alias", button.get("value", "")) for button in found]


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


def choice(alias: str, title: str, hint: str, keys: Mapping[str, str]) -> ET.Element:
    """One button: results carry its alias."""
    return element("Choice", value=literal(title), alias=alias, hotkey=keys.get(alias, ""), hint=literal(hint))


def choices(labels: Mapping[str, Label], keys: Mapping[str, str]) -> list[ET.Element]:
    """A button for each label."""
    return [choice(name, label.title or name, label.description, keys) for name, label in labels.items()]


def asked(name: str, buttons: list[ET.Element], kind: str, **more: str) -> ET.Element:
    """A question with buttons: `kind` is "single-radio" or "multiple"."""
    return element("Choices", *buttons, name=name, toName=TEXT, choice=kind, layout="inline", **more)


def hint(words: str) -> ET.Element:
    """A line that is seen while no span is selected.

    A new span is not selected until it is clicked, unless the annotator changes a setting of the page.
    """
    return view("bd-hint", element("Header", value=words, size="5"), visibleWhen="no-region-selected")


def about_region(
    place: str, title: str, name: str, labels: Iterable[str], kind: str, message: str, buttons: list[ET.Element]
) -> ET.Element:
    """A question about the selected span, seen while a span with one of the labels is selected."""
    when = {"visibleWhen": "region-selected", "whenTagName": SPANS, "whenLabelValue": ",".join(labels)}
    question = element(
        "Choices", *buttons, name=name, toName=TEXT, perRegion="true", choice=kind, layout="inline", required="true",
        requiredMessage=message, **when,
    )  # fmt: skip
    return view(f"bd-region {place}", header(title, "bd-name"), question, **when)


def short_hints(where: str, keys: Iterable[str]) -> list[str]:
    """Style rules that show `shift+q` as an arrow and a letter, so that it fits on a button."""
    rules = []
    for n, key in enumerate(keys, start=1):
        if key.startswith(SHIFT):
            button = f"{where} .lsf-choice:nth-child({n}) sup"
            rules.append(f'{button} {{ font-size: 0 !important; }} {button}::after {{ content: "[⇧{key[-1]}]"; }}')
    return rules
