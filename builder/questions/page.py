"""The page of the labeling interface while questions add their tags to it, and what is found on one."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from builder.scheme import Scheme


@dataclass
class InterfacePage:
    """The parts of the page, to which each question adds its own."""

    scheme: Scheme
    #: Hotkey by control and label.
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
