"""The labeling interface in Label Studio's XML, made from the scheme alone, and a scheme read back from it.

Every control is static, also where each article brings its own targets: those are asked in numbered slots whose
titles come from the task. Controls that are built from task data keep the server from checking results against the
configuration, or make it refuse harmless changes of the configuration later.

Source: https://labelstud.io/tags/
"""

import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

from builder.questions import KINDS, UncheckedScheme, kind_of
from builder.questions.choice import Choice
from builder.questions.kind import kinds
from builder.questions.page import DECIDED, SPANS, TEXT, InterfacePage, assign_hotkeys, element, header, literal, view
from builder.scheme import Label, Question, Scheme


def interface(scheme: Scheme, review: bool = False) -> str:
    """The labeling configuration of a project that asks what the scheme asks.

    For a `review`, what is in dispute is above the text, and must be decided before the page can be submitted: what the
    expert did not mark is then rejected because they read it, and not because they pressed Submit.
    """
    page = InterfacePage(scheme, _assigned(scheme))
    for question in kinds(scheme):
        question.show(page)
    spans = element("Labels", *page.spans, name=SPANS, toName=TEXT, showInline="true")
    # Above the answers, beside the text: opening it moves nothing.
    guide = _guidelines(scheme)
    read = [
        header("$title", "bd-title"),
        header("$byline", "bd-byline"),
        *([] if page.beside else guide),
        *(_disputed(page) if review else []),
        *([view("bd-labels", spans)] if page.spans else []),
        *_texts(),
        *page.below,
    ]
    root = element(
        "View",
        element("Style", text="\n".join(["", _sheet(), *page.rules, ""])),
        view("bd-body", view("bd-read", *read), *([view("bd-ask", *guide, *page.beside)] if page.beside else [])),
        className="bd",
    )
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _assigned(scheme: Scheme) -> dict[str, dict[str, str]]:
    """The key of every label, by control."""
    return assign_hotkeys([row for question in kinds(scheme) for row in question.key_rows(scheme)])


def keys_of(scheme: Scheme) -> dict[str, dict[str, list[str]]]:
    """By question and label the keys that choose it: one, or one per target."""
    keys = _assigned(scheme)
    found: dict[str, dict[str, list[str]]] = {}
    for question in kinds(scheme):
        for row in question.key_rows(scheme):
            for label in row.labels:
                key = keys[row.control].get(label)
                found.setdefault(question.name, {}).setdefault(label, []).extend([key] if key else [])
    return found


def scheme_of(config: str) -> Scheme:
    """The names that a labeling configuration asks with, as a scheme without version, words, colours and keys.

    What was added by hand is among them; it may lack everything. Raises `ValueError` when it is none.
    """
    try:
        page = ET.fromstring(config)
    except ET.ParseError as e:
        raise ValueError(str(e)) from e
    questions: dict[str, Question] = {}
    for kind in KINDS:
        questions.update(kind_of(kind).found(page))
    return UncheckedScheme(version="", questions=questions)


def dates_of(scheme: Scheme) -> dict[str, dict[str, str]]:
    """By question with many options that a project asks: since when each is shown, empty for always."""
    asked = [q for q in scheme.questions.values() if isinstance(q, Choice) and q.many]
    return {q.name: {option: q.since.get(option, "") for option in q.options} for q in asked}


def _disputed(page: InterfacePage) -> list[ET.Element]:
    ask = "Decide on every point under “Why this chunk is here”, then tick the box below them."
    decided = {"yes": Label("I decided on every point: spans that I did not mark are wrong")}
    box = page.question("bd-decided", DECIDED, "", decided, many=True, required="true", requiredMessage=ask)
    # Markdown directly inside some containers renders a blank page; inside a plain view it does not.
    return [view("bd-review", element("Markdown", value="$review"), box)]


def _texts() -> list[ET.Element]:
    def context(name: str) -> ET.Element:
        shown = element("Text", name=name, value=f"$context_{name}", selectionEnabled="false")
        return view(f"bd-context bd-{name}", shown)

    chunk = element("Text", name=TEXT, value="$text", granularity="symbol", showLabels="true")
    return [context("before"), view("bd-chunk", chunk), context("after")]


def _guidelines(scheme: Scheme) -> list[ET.Element]:
    if not scheme.guidelines.strip():
        return []
    # Markdown directly inside Panel renders a blank page.
    shown = view("bd-guide", element("Markdown", text="\n" + literal(scheme.guidelines.strip()) + "\n"))
    return [element("Collapse", element("Panel", shown, value="Guidelines"), bordered="false")]


@cache
def _sheet() -> str:
    return Path(__file__).with_name("interface.css").read_text(encoding="utf-8")
