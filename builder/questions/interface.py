"""The labeling interface in Label Studio's XML, made from the scheme alone.

Every control is static, also where each article brings its own targets: those are asked in numbered slots whose
titles come from the task. Controls that are built from task data keep the server from checking results against the
configuration, or make it refuse harmless changes of the configuration later.

Source: https://labelstud.io/tags/
"""

import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

from builder.questions import controls
from builder.questions.hotkeys import SHIFT, Hotkeys, assign
from builder.scheme import EVIDENCE, EntityLabel, Scheme, StanceLabel, Target

#: Entity colours dark enough to read as text on white and on their own tint; evidence keeps its own.
PALETTE = (
    "#2563eb", "#7c3aed", "#c2410c", "#be123c", "#0f766e", "#4d7c0f", "#a21caf", "#0369a1", "#92400e", "#475569",
    "#15803d", "#6d28d9", "#b91c1c", "#1d4ed8", "#854d0e", "#9d174d",
)  # fmt: skip
EVIDENCE_COLOR = "#ca8a04"
STANCE_PALETTE = ("#15803d", "#b91c1c", "#1d4ed8", "#a16207", "#7e22ce", "#0e7490")
ABSENT_COLOR = "#64748b"


def interface(scheme: Scheme) -> str:
    """The labeling configuration of a project that asks what the scheme asks."""
    questions = _questions(scheme)
    keys = assign(scheme, list(questions))
    read = [
        _header("$title", "bd-title"),
        _header("$byline", "bd-byline"),
        *_guidelines(scheme),
        *_labels(scheme, keys),
        *_texts(),
        *_mention(scheme),
        *_evidence(scheme, keys),
    ]
    side = [*_stances(scheme, questions, keys), *_problems(scheme, keys), *_comment(scheme)]
    root = _tag(
        "View",
        _tag("Style", text=_style(scheme, list(questions), keys)),
        _view("bd-body", _view("bd-read", *read), *([_view("bd-ask", *side)] if side else [])),
        className="bd",
    )
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


class _Found(Scheme):
    """A scheme as it was found: names that people gave by hand need not be such as ours must be."""

    def __post_init__(self) -> None:
        pass


def scheme_of(config: str) -> Scheme:
    """The names that a labeling configuration asks with, as a scheme without version, words, colours and keys.

    What was added by hand is among them; it may lack everything. Raises `xml.etree.ElementTree.ParseError`.
    """
    root = ET.fromstring(config)
    labels = [label.get("value", "") for label in root.iterfind(f".//Labels[@name='{controls.ENTITY}']/Label")]
    choices = {
        asked.get("name", ""): [c.get("alias", c.get("value", "")) for c in asked.iterfind(".//Choice")]
        for asked in root.iter("Choices")
    }
    questions = [name.removeprefix(controls.STANCE) for name in choices if name.startswith(controls.STANCE)]
    slots = [int(name) for name in questions if name.isdecimal()]
    answers = [choices[name] for name in choices if name.startswith(controls.STANCE) or name == controls.MENTION_STANCE]
    return _Found(
        version="",
        entities={name: EntityLabel() for name in labels if name != EVIDENCE},
        stance={name: StanceLabel() for some in answers for name in some},
        targets={name: Target() for name in questions if not name.isdecimal()},
        target_mode="article" if slots else "mention" if controls.MENTION_STANCE in choices else "fixed",
        max_targets=max(slots, default=Scheme.max_targets),
        evidence=EVIDENCE in labels,
        problems=dict.fromkeys(choices.get(controls.PROBLEM, []), ""),
        comment=root.find(f".//TextArea[@name='{controls.COMMENT}']") is not None,
    )


def colors(scheme: Scheme) -> dict[str, str]:
    """Colour by entity label: the scheme's own, or the next one of the palette that it does not use."""
    given = {label.color.lower() for label in scheme.entities.values()}
    free = [color for color in PALETTE if color not in given] or list(PALETTE)
    chosen: dict[str, str] = {}
    for name, label in scheme.entities.items():
        chosen[name] = label.color or free[sum(not scheme.entities[n].color for n in chosen) % len(free)]
    return chosen


def _tag(tag: str, *children: ET.Element, text: str = "", **attributes: str) -> ET.Element:
    element = ET.Element(tag, {key.rstrip("_"): value for key, value in attributes.items() if value})
    element.text = text or None
    element.extend(children)
    return element


def _view(name: str, *children: ET.Element, **attributes: str) -> ET.Element:
    return _tag("View", *children, className=name, **attributes)


def _header(value: str, name: str) -> ET.Element:
    return _view(name, _tag("Header", value=value, size="5"))


def literal(words: str) -> str:
    """Words that Label Studio shows as they are: an invisible joiner keeps `$5` from naming a field of the task.

    >>> literal("$5 & <more>") == "$\\N{WORD JOINER}5 & <more>"
    True
    """
    return words.replace("$", "$\N{WORD JOINER}")


def _questions(scheme: Scheme) -> dict[str, str]:
    """Stance control to the title shown above it."""
    if scheme.target_mode == "article":
        return {controls.slot(n): f"$target_{n}" for n in range(1, scheme.max_targets + 1)} if scheme.stance else {}
    return {name: literal(scheme.title(target)) for name, target in controls.asked(scheme, []).items()}


def _labels(scheme: Scheme, keys: Hotkeys) -> list[ET.Element]:
    color = colors(scheme)
    labels = [
        _tag("Label", value=n, background=color[n], hotkey=keys.entities.get(n, ""), hint=literal(label.description))
        for n, label in scheme.entities.items()
    ]
    if scheme.evidence and scheme.stance:
        hint = "Words that justify a stance"
        labels.append(
            _tag("Label", value=EVIDENCE, background=EVIDENCE_COLOR, hotkey=keys.entities.get(EVIDENCE, ""), hint=hint)
        )
    if not labels:
        return []
    return [_view("bd-labels", _tag("Labels", *labels, name=controls.ENTITY, toName=controls.TEXT, showInline="true"))]


def _texts() -> list[ET.Element]:
    def context(name: str) -> ET.Element:
        shown = _tag("Text", name=name, value=f"$context_{name}", selectionEnabled="false")
        return _view(f"bd-context bd-{name}", shown)

    chunk = _tag("Text", name=controls.TEXT, value="$text", granularity="symbol", showLabels="true")
    return [context("before"), _view("bd-chunk", chunk), context("after")]


def _choices(scheme: Scheme, key: dict[str, str]) -> list[ET.Element]:
    def choice(name: str, description: str) -> ET.Element:
        title, hint = literal(scheme.stance_title(name)), literal(description)
        return _tag("Choice", value=title, alias=name, hotkey=key.get(name, ""), hint=hint)

    return [choice(name, label.description) for name, label in scheme.stance.items()]


def _stances(scheme: Scheme, questions: dict[str, str], keys: Hotkeys) -> list[ET.Element]:
    def question(name: str, title: str, required: bool) -> ET.Element:
        about = "the first target" if title.startswith("$") else title
        demand = {"required": "true", "requiredMessage": f"Choose the stance toward {about}."} if required else {}
        answers = _choices(scheme, keys.stances.get(name, {}))
        asked = _tag(
            "Choices", *answers, name=name, toName=controls.TEXT, choice="single-radio", layout="inline", **demand
        )
        return _view("bd-target", _header(title, "bd-name"), asked)

    # Every article has a first target. The page would not let an empty later slot pass, so there it only marks what
    # is unanswered, and the checks after the pull find what is missing.
    first = {controls.slot(1)} if scheme.target_mode == "article" else set(questions)
    rows = [question(name, title, name in first) for name, title in questions.items()]
    return [_header("Stance toward", "bd-caption"), _view("bd-targets", *rows)] if rows else []


def _mention(scheme: Scheme) -> list[ET.Element]:
    if scheme.target_mode != "mention" or not scheme.stance:
        return []
    block = assign(scheme, [controls.MENTION_STANCE]).stances[controls.MENTION_STANCE]
    title, ask = "Stance toward this mention", "Choose the stance toward each mention."
    place, labels = "bd-mention", list(scheme.entities)
    return [
        _hint("Click a marked mention to choose the stance toward it."),
        _region(place, title, controls.MENTION_STANCE, labels, "single-radio", ask, _choices(scheme, block)),
    ]


def _evidence(scheme: Scheme, keys: Hotkeys) -> list[ET.Element]:
    if not scheme.evidence or not scheme.stance or scheme.target_mode == "mention":
        return []
    if scheme.target_mode == "article":
        targets = [_tag("Choice", value=f"Target {n}", alias=str(n)) for n in range(1, scheme.max_targets + 1)]
    else:
        targets = [
            _tag("Choice", value=literal(scheme.title(t)), alias=t, hotkey=keys.evidence.get(t, ""))
            for t in scheme.targets
        ]
    title, ask = "This evidence concerns", "Say which target each evidence span concerns."
    return [
        _hint(f"Click a marked {EVIDENCE} span to say which target it concerns."),
        _region("bd-evidence", title, controls.EVIDENCE_TARGET, [EVIDENCE], "multiple", ask, targets),
    ]


def _hint(words: str) -> ET.Element:
    # A new span is not selected until it is clicked, unless the annotator changes a setting of the page.
    return _view("bd-hint", _tag("Header", value=words, size="5"), visibleWhen="no-region-selected")


def _region(
    place: str, title: str, name: str, labels: list[str], choice: str, message: str, choices: list[ET.Element]
) -> ET.Element:
    """A question about the selected span, seen while a span with one of the labels is selected."""
    when = {"visibleWhen": "region-selected", "whenTagName": controls.ENTITY, "whenLabelValue": ",".join(labels)}
    question = _tag(
        "Choices", *choices, name=name, toName=controls.TEXT, perRegion="true", choice=choice, layout="inline",
        required="true", requiredMessage=message, **when,
    )  # fmt: skip
    return _view(f"bd-region {place}", _header(title, "bd-name"), question, **when)


def _problems(scheme: Scheme, keys: Hotkeys) -> list[ET.Element]:
    if not scheme.problems:
        return []
    choices = [
        _tag("Choice", value=literal(words or n), alias=n, hotkey=keys.problems.get(n, ""))
        for n, words in scheme.problems.items()
    ]
    asked = _tag("Choices", *choices, name=controls.PROBLEM, toName=controls.TEXT, choice="multiple", layout="inline")
    return [_header("Problems", "bd-caption"), _view("bd-problems", asked)]


def _comment(scheme: Scheme) -> list[ET.Element]:
    if not scheme.comment:
        return []
    area = _tag(
        "TextArea", name=controls.COMMENT, toName=controls.TEXT, rows="2", maxSubmissions="1", editable="true",
        showSubmitButton="false", placeholder="Comment (optional)",
    )  # fmt: skip
    return [_view("bd-comment", area)]


def _guidelines(scheme: Scheme) -> list[ET.Element]:
    if not scheme.guidelines.strip():
        return []
    # Markdown directly inside Panel renders a blank page.
    shown = _view("bd-guide", _tag("Markdown", text="\n" + literal(scheme.guidelines.strip()) + "\n"))
    return [_tag("Collapse", _tag("Panel", shown, value="Guidelines"), bordered="false")]


@cache
def _sheet() -> str:
    return Path(__file__).with_name("interface.css").read_text(encoding="utf-8")


def _style(scheme: Scheme, questions: list[str], keys: Hotkeys) -> str:
    """The style sheet, one rule a stance label for the colour of its chosen button, and short hints for long keys."""
    palette = iter(STANCE_PALETTE * (1 + len(scheme.stance) // len(STANCE_PALETTE)))
    rules = []
    for n, (name, label) in enumerate(scheme.stance.items(), start=1):
        tint = label.color or (ABSENT_COLOR if name == scheme.absent else next(palette))
        buttons = ", ".join(f".bd .{place} .lsf-choice:nth-child({n})" for place in ("bd-target", "bd-mention"))
        rules.append(f"{buttons} {{ --bd-tint: {tint}; }}")
    for n, question in enumerate(questions, start=1):
        rules += _short_hints(f".bd .bd-target:nth-child({n})", list(keys.stances.get(question, {}).values()))
    rules += _short_hints(".bd .bd-evidence", list(keys.evidence.values()))
    return "\n".join(["", _sheet(), *rules, ""])


def _short_hints(where: str, keys: list[str]) -> list[str]:
    """Rules that show `shift+q` as an arrow and a letter, so that it fits on a button."""
    rules = []
    for n, key in enumerate(keys, start=1):
        if key.startswith(SHIFT):
            hint = f"{where} .lsf-choice:nth-child({n}) sup"
            rules.append(f'{hint} {{ font-size: 0 !important; }} {hint}::after {{ content: "[⇧{key[-1]}]"; }}')
    return rules
