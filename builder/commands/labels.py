"""`builder labels`: whether the label scheme holds together, with which keys, and how its page looks."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown, table_of
from builder.config import Config
from builder.stage import Progress, silent
from builder.store import write_text

if TYPE_CHECKING:
    from builder.commands.serve import Server
    from builder.scheme import Scheme

_EXAMPLE = (
    "On Monday ministers of two countries met to discuss an agreement. “We will sign it this year,” said the first. "
    "The other asked for time, and called the plan a risk.\n\nCritics said that nobody had asked them."
)


@dataclass(frozen=True)
class Labels:
    """A scheme that holds together: by question its kind, by question and label the key; and where its page is."""

    name: str
    version: str
    kinds: dict[str, str]
    keys: dict[str, dict[str, list[str]]]
    server: "Server | None" = None


def labels(
    config: Config,
    *,
    preview: Annotated[bool, "put an example on the embedded Label Studio, to look at the page"] = False,
    progress: Progress = silent,
) -> Labels:
    """Check the label scheme, and show the keys of its labels

    Raises `ConfigError` with every fault of the scheme. The example is a dataset of its own, `<dataset>-preview`.
    """
    from builder.commands import push, serve

    scheme = config.labels
    made = Labels(scheme.name, scheme.version, {q.name: q.kind for q in scheme.questions.values()}, keys_of(scheme))
    if not preview:
        return made
    other = replace(config, dataset=replace(config.dataset, name=f"{config.dataset.name[:80]}-preview"))
    raw = other.dataset_folder / "example"
    article = {"title": "An example", "text": _EXAMPLE, "targets": ["first country", "second country"]}
    write_text(raw / "example.json", json.dumps(article, ensure_ascii=False))
    other.paths = replace(config.paths, raw=str(raw))
    other.selection, other.suggestions, other.source = Config().selection, Config().suggestions, Config().source
    other.quality = replace(config.quality, questions="")
    other.annotators = replace(config.annotators, kind="human", layout="shared")
    serve.serve(other, progress=progress)  # keeps it running while there is no project yet
    push.push(other, progress=progress)
    return replace(made, server=serve.serve(other, progress=progress))


def keys_of(scheme: "Scheme") -> dict[str, dict[str, list[str]]]:
    """By question and label the keys that choose it: one, or one per target."""
    from builder.questions.kind import kinds
    from builder.questions.page import assign_hotkeys

    rows = {question.name: question.key_rows(scheme) for question in kinds(scheme)}
    keys = assign_hotkeys([row for mine in rows.values() for row in mine])
    found: dict[str, dict[str, list[str]]] = {}
    for name, mine in rows.items():
        for row in mine:
            for label in row.labels:
                key = keys[row.control].get(label)
                found.setdefault(name, {}).setdefault(label, []).extend([key] if key else [])
    return found


def show(result: Labels) -> Shown:
    """The questions with their labels and keys."""
    table = table_of(f"{result.name}, version {result.version}", "question", "kind", "labels (keys)")
    for name, kind in result.kinds.items():
        keys = result.keys.get(name, {})
        table.add_row(name, kind, ", ".join(f"{label} ({' '.join(of)})" if of else label for label, of in keys.items()))
    yield table
    if result.server and result.server.served:
        for url in result.server.served.projects.values():
            yield f"labels: the page is at {url}"
