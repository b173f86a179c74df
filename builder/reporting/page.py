"""The page: sections of plain values become one HTML file that needs no other file and no network."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
#: The sections in their order on the page. Each has a template of its name, which gets its values as `section`.
TITLES = {
    "progress": "Progress",
    "agreement": "Agreement",
    "disagreements": "Disagreements",
    "gold": "Gold and checks",
    "corpus": "Corpus",
    "release": "Release",
}


@dataclass(frozen=True)
class About:
    """What the whole page is about. `made` is when, in UTC; None on pages that must not depend on it.

    `facts` are shown at the top as name and value; `notes` say what the page shows that is not of the configuration at
    hand, and why.
    """

    dataset: str
    made: datetime | None = None
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    public: bool = False


def page(about: About, sections: Mapping[str, object]) -> str:
    """The HTML of the page with the given sections, by the names of `TITLES`. The same values give the same bytes."""
    shown = {name: sections[name] for name in TITLES if name in sections}
    return _templates().get_template("page.html.j2").render(about=about, sections=shown, public=about.public)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, autoescape=True)
    script = (_TEMPLATES / "page.js").read_text("utf-8")
    # The page itself forbids every script but its own, whatever a text may hold.
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made.globals.update(
        TITLES=TITLES, cells=_cells, script=Markup(script), script_hash=known,
        style=Markup((_TEMPLATES / "style.css").read_text("utf-8")),
    )  # fmt: skip
    made.filters.update(in_words=in_words, isolated=isolated, named=_named, prose=prose, unturned=unturned)
    return made


def in_words(value: Any, digits: int = 3) -> str:
    """A value in words: what is not known is a dash, an interval is "0.71 to 0.89".

    >>> in_words(12345), in_words((0.5, 0.75)), in_words(None), in_words(12.0, 0)
    ('12,345', '0.500 to 0.750', '–', '12')
    """
    if value is None:
        return "–"
    if isinstance(value, tuple | list):
        return " to ".join(in_words(bound, digits) for bound in value)
    if isinstance(value, float):
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def prose(text: str) -> Markup:
    """A text with what is between backticks as code.

    >>> prose("Run `builder pull` <now>.")
    Markup('Run <code>builder pull</code> &lt;now&gt;.')
    """
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>" if i % 2 else "{}").format(part) for i, part in enumerate(parts))


#: Characters that turn the text around them, with what is shown instead: left alone, they would reach past their text.
_TURNING = {0x202A + n: f"⟪{name}⟫" for n, name in enumerate(("LRE", "RLE", "PDF", "LRO", "RLO"))} | {
    0x2066 + n: f"⟪{name}⟫" for n, name in enumerate(("LRI", "RLI", "FSI", "PDI"))
}


def unturned(text: str) -> str:
    """The text with a name in place of every character that turns text around.

    >>> unturned("a" + chr(0x202E) + "b")
    'a⟪RLO⟫b'
    """
    return text if text.isascii() else text.translate(_TURNING)


def isolated(text: str) -> str | Markup:
    """The text, unturned, with a direction of its own: the words around it stay in their order."""
    return text if text.isascii() else Markup("<bdi>{}</bdi>").format(unturned(text))


def _named(names: Iterable[str], kind: str) -> list[str]:
    """Names as those of columns of a kind, whatever they are."""
    return [kind + name for name in names]


def _cells(
    heads: Sequence[str], rows: Iterable[Sequence[Any]], digits: int = 3, custom: bool = False
) -> Iterator[tuple[Markup, Any]]:
    """The cells of each row of a table under its `heads`, as the template `macros` explains them, and its last value.

    The first value names the row. With `custom`, the last one is no cell.
    """
    shown = list(rows)
    kinds = {n: head[0] for n, head in enumerate(heads[: len(heads) - custom]) if head}
    largest = {n: max([1] if kind == "%" else [row[n] or 0 for row in shown], default=0)
               for n, kind in kinds.items() if kind in "%="}  # fmt: skip
    shares = [n for n, kind in kinds.items() if kind == "+"]
    for row in shown:
        bars = largest | dict.fromkeys(shares, sum(row[n] for n in shares))
        yield Markup("").join(_cell(row[n], digits, "td" if n else "th", bars.get(n)) for n in kinds), row[-1]


def _cell(value: Any, digits: int = 3, tag: str = "td", largest: float | None = None) -> Markup:
    """A cell of a table, with the value by which its column is sorted where that is not its text.

    With `largest`, a bar beside the number is as long as its share of that.
    """
    attributes, bar = Markup(' scope="row"') if tag == "th" else Markup(""), Markup("")
    if largest is not None:
        share = 100 * value / largest if value and largest else 0
        bar = Markup('<span class="bar" style="--share:{:.1f}%" aria-hidden="true"></span>').format(share)
    key = value[0] if isinstance(value, tuple) else value
    if key is None or isinstance(key, int | float):
        attributes += Markup(' class="number" data-sort="{}"').format("" if key is None else key)
    shown = isolated(value) if isinstance(value, str) else in_words(value, digits)
    return Markup("<{0}{1}>{2}{3}</{0}>").format(Markup(tag), attributes, shown, bar)
