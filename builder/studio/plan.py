"""What is to be pushed: which chunk goes into which project, as which task."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from builder.config import Config
from builder.questions import encode
from builder.store import read_json, write_json
from builder.studio.accounts import annotators
from builder.studio.assign import assign
from builder.studio.projects import SHARED
from builder.studio.push import Planned

Row = Mapping[str, Any]


@dataclass
class Plan:
    """Planned tasks by slot and chunk, the chunks' rows, who annotates what, and what cannot be pushed and why."""

    slots: dict[str, dict[str, Planned]] = field(default_factory=dict)
    chunks: dict[str, Row] = field(default_factory=dict)
    targets: dict[str, list[str]] = field(default_factory=dict)
    #: Chunk id -> names of annotators; empty when anyone takes the next chunk.
    assigned: dict[str, list[str]] = field(default_factory=dict)
    rejects: list[dict[str, object]] = field(default_factory=list)


def plan(
    config: Config,
    chunks: Sequence[Row],
    articles: Sequence[Row],
    suggested: Mapping[str, list[dict[str, Any]]] | None = None,
    everyone: Collection[str] = (),
    answered: Mapping[str, Collection[str]] | None = None,
    keep: bool = True,
) -> Plan:
    """The tasks of all projects, in the order of the chunks.

    `suggested` are predictions by chunk id; `everyone` are ids of chunks that each annotator gets who has a project of
    their own, whatever the overlap. Who annotates what is written down and stays so, unless `keep` is false; only of
    annotators who left, others get what is not among the chunks they `answered`.
    """
    made = Plan()
    by_id = {article["article_id"]: article for article in articles}
    tasks: dict[str, Planned] = {}
    for chunk in chunks:
        article = by_id[chunk["article_id"]]
        targets = list(article.get("targets") or [])
        data = encode.task(chunk, article, config.labels, targets=targets)
        if reason := unstorable(data):
            made.rejects.append(_reject(chunk, article, reason))
            continue
        predictions = (suggested or {}).get(chunk["chunk_id"], [])
        body = {"data": data, "predictions": predictions} if predictions else {"data": data}
        tasks[chunk["chunk_id"]] = Planned(msgspec.json.encode(body), predictions)
        made.chunks[chunk["chunk_id"]] = chunk
        made.targets[chunk["chunk_id"]] = targets
    if config.annotators.layout == "shared" and config.annotators.kind == "human":
        made.slots = {SHARED: tasks}
        return made
    made.assigned = _assigned(config, made.chunks, answered or {}, keep)
    if config.annotators.layout == "each":
        names = [a.name for a in annotators(config)]
        made.assigned |= {chunk_id: names for chunk_id in everyone if chunk_id in made.chunks}
    if config.annotators.layout == "shared":
        made.slots = {SHARED: tasks}
        return made
    made.slots = {a.name: {} for a in annotators(config)}
    for chunk_id, task in tasks.items():
        for name in made.assigned[chunk_id]:
            made.slots.setdefault(name, {})[chunk_id] = task
    return made


def unstorable(data: Mapping[str, Any]) -> str:
    """Why Label Studio cannot hold these strings, or nothing.

    It drops NUL characters, which shifts every offset behind them; and one lone surrogate makes every listing of its
    project fail.

    >>> unstorable({"text": "a" + chr(0)}), unstorable({"text": chr(0xD800)}), unstorable({"text": "é"})
    ('nul-character', 'lone-surrogate', '')
    """
    for value in data.values():
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str):
                continue
            if "\0" in text:
                return "nul-character"
            if any("\ud800" <= c <= "\udfff" for c in text):
                return "lone-surrogate"
    return ""


def _assigned(
    config: Config, chunks: Mapping[str, Row], answered: Mapping[str, Collection[str]], keep: bool
) -> dict[str, list[str]]:
    # Written down before anything is pushed, so that a stop in between changes nothing.
    path = config.dataset_folder / "assignment.json"
    earlier: dict[str, list[str]] = read_json(path) or {}
    names = [a.name for a in annotators(config)]
    if config.annotators.layout == "each":
        earlier = {
            chunk_id: [name for name in some if name in names or chunk_id in answered.get(name, ())]
            for chunk_id, some in earlier.items()
        }
    sizes = {chunk_id: len(chunk["text"]) for chunk_id, chunk in chunks.items()}
    made = assign(sizes, names, config.annotators.overlap, earlier)
    if keep and made != {k: v for k, v in earlier.items() if k in made}:
        write_json(path, {**earlier, **made})
    return made


def _reject(chunk: Row, article: Row, reason: str) -> dict[str, object]:
    return {
        "stage": "push",
        "source_path": article["source_path"],
        "record": article["record"],
        "article_id": chunk["article_id"],
        "chunk_id": chunk["chunk_id"],
        "reason": reason,
        "detail": f"the task of chunk {chunk['chunk_id']} holds a character that Label Studio cannot store",
    }
