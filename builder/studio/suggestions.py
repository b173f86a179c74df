"""Suggestions on the chunks that are pushed: from a list of names, a model behind HTTP, or a function.

A hook gets chunks as {"chunk_id", "article_id", "text", "title", "targets"} and gives, for those it has something to
say about, {"chunk_id", "score", "entities": [{"start", "end", "label"}], "stance": {target: label}}; offsets are code
points of the chunk's text, and are compared with the marked "text" where a hook gives it. What it says about a chunk
becomes one prediction, stored once with the task.
"""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from builder.config import Config
from builder.errors import ConfigError, SourceError, StudioError, Unreachable
from builder.questions import encode
from builder.scheme import Scheme
from builder.studio.client import is_loopback
from builder.studio.listing import batches
from builder.studio.settings import Suggestions

Row = Mapping[str, Any]


class Mark(msgspec.Struct):
    """A suggested entity: code points of the chunk's text, half-open."""

    start: int
    end: int
    label: str
    text: str | None = None


class Suggestion(msgspec.Struct, forbid_unknown_fields=True):
    """What a hook says about one chunk."""

    chunk_id: str
    score: float | None = None
    entities: list[Mark] = []
    stance: dict[str, str] = {}
    model_version: str = ""


class _Answer(msgspec.Struct):
    suggestions: list[Suggestion]
    model_version: str = ""


Hook = Callable[[list[dict[str, Any]]], Iterable[Suggestion]]


def suggest(config: Config, chunks: Sequence[Row], articles: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """Predictions by chunk id, in the import format of Label Studio; empty when none are wanted.

    Raises `StudioError` when a hook suggests what the scheme or the text does not have.
    """
    settings = config.suggestions
    if settings.method == "none":
        return {}
    hooks: dict[str, Callable[[Config], Hook]] = {"gazetteer": _gazetteer, "http": _http, "python": _python}
    hook = hooks[settings.method](config)
    by_id = {chunk["chunk_id"]: chunk for chunk in chunks}
    about = {article["article_id"]: article for article in articles}
    made: dict[str, list[dict[str, Any]]] = {}
    for some in batches(chunks, settings.batch):
        for found in hook([_shown(chunk, about[chunk["article_id"]], config.labels) for chunk in some]):
            if found.chunk_id not in by_id:
                raise StudioError(
                    f"The suggestions name a chunk {found.chunk_id!r} that was not asked about.", "Correct the hook."
                )
            if found.chunk_id in made:
                raise StudioError(
                    f"The suggestions name chunk {found.chunk_id} twice.", "Correct the hook: one suggestion a chunk."
                )
            chunk = by_id[found.chunk_id]
            targets = list(about[chunk["article_id"]].get("targets") or [])
            made[found.chunk_id] = [_prediction(found, chunk, config.labels, targets, settings)]
    return made


def gazetteer(phrases: Mapping[str, str]) -> Callable[[str], list[dict[str, Any]]]:
    """Finds phrases in a text as whole words, the longest first: [{"start", "end", "label"}].

    >>> gazetteer({"Japan": "GPE", "Bank of Japan": "ORG"})("The Bank of Japan, Japan's bank. Japanese!")
    [{'start': 4, 'end': 17, 'label': 'ORG'}, {'start': 19, 'end': 24, 'label': 'GPE'}]
    """
    longest = sorted(phrases, key=len, reverse=True)
    # A name may begin or end with a sign that is no letter ("U.S."), where \b would not hold.
    words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)") if phrases else None

    def find(text: str) -> list[dict[str, Any]]:
        found = words.finditer(text) if words else ()
        return [{"start": m.start(), "end": m.end(), "label": phrases[m[0]]} for m in found]

    return find


def _gazetteer(config: Config) -> Hook:
    settings = config.suggestions
    if settings.file:
        phrases = _read(Path(settings.file))
    else:
        aliases = [alias for target in config.labels.targets.values() for alias in target.aliases]
        phrases = dict.fromkeys(aliases, settings.alias_label)
    if unknown := set(phrases.values()) - set(config.labels.entities):
        raise ConfigError(
            f"The gazetteer has labels that the scheme {config.labels.name} does not: {', '.join(sorted(unknown))}.",
            f"Use {', '.join(config.labels.entities)}.",
        )
    find = gazetteer(phrases)

    def hook(chunks: list[dict[str, Any]]) -> Iterator[Suggestion]:
        for chunk in chunks:
            if entities := find(chunk["text"]):
                yield Suggestion(chunk["chunk_id"], settings.score, msgspec.convert(entities, list[Mark]))

    return hook


def _read(path: Path) -> dict[str, str]:
    phrases = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise SourceError(f"suggestions.file cannot be read: {e}.", "Correct the path or the file.") from e
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        phrase, tab, label = line.rstrip("\r").rpartition("\t")
        if not tab or not phrase.strip() or not label.strip():
            raise SourceError(f"{path}:{number} is no `phrase<TAB>label`: {line!r}.", "Correct the line.")
        phrases[phrase.strip()] = label.strip()
    return phrases


def _http(config: Config) -> Hook:
    settings = config.suggestions
    scheme = f"{config.labels.name}@{config.labels.version}"

    def hook(chunks: list[dict[str, Any]]) -> list[Suggestion]:
        try:
            # Loopback never goes through a proxy of the environment.
            with httpx.Client(timeout=settings.timeout, trust_env=not is_loopback(settings.url)) as client:
                answer = client.post(settings.url, json={"scheme": scheme, "chunks": chunks})
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise _silent(settings.url, str(e)) from e
        if not answer.is_success:
            raise _silent(settings.url, f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip())
        return _understood(answer.content, settings.url)

    return hook


def _silent(url: str, why: str) -> Unreachable:
    reason = why.rstrip(".")
    return Unreachable(f"The model at {url} gave no suggestions: {reason}.", "Start it, or set suggestions=none.")


def _python(config: Config) -> Hook:
    name = config.suggestions.function
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as e:
        raise ConfigError(
            f"suggestions.function {name!r} cannot be imported: {e}.",
            "Correct its name, and set PYTHONPATH to the folder of its module.",
        ) from e

    def hook(chunks: list[dict[str, Any]]) -> list[Suggestion]:
        try:
            said = msgspec.json.encode({"suggestions": function(chunks)})
        except Exception as e:  # anything may go wrong in somebody else's function
            raise StudioError(
                f"suggestions.function {name} failed: {type(e).__name__}: {e}.",
                "Correct it; HYDRA_FULL_ERROR=1 shows where.",
            ) from e
        return _understood(said, name)

    return hook


def _understood(body: bytes, where: str) -> list[Suggestion]:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError as e:
        raise StudioError(f"The suggestions of {where} are not as they should be: {e}.", "Correct the hook.") from e
    for one in answer.suggestions:
        one.model_version = one.model_version or answer.model_version
    return answer.suggestions


def _prediction(
    found: Suggestion, chunk: Row, scheme: Scheme, targets: list[str], settings: Suggestions
) -> dict[str, Any]:
    version = found.model_version or settings.model_version
    try:
        if "\0" in version:
            raise ValueError(f"the model version {version!r} holds a NUL, which the server cannot store")
        marks = {(m.start, m.end, m.label): msgspec.to_builtins(m) for m in found.entities}
        said = {"entities": list(marks.values()), "stance": found.stance}
        made = encode.statement(said, scheme, targets=targets, text=chunk["text"])
        result = encode.results(made.spans, made.answers, [], None, 0, chunk["text"], scheme, targets=targets)
    except (ValueError, ConfigError) as e:
        why = str(e).rstrip(".")
        raise StudioError(f"The suggestion for chunk {found.chunk_id} does not fit: {why}.", "Correct the hook.") from e
    for item in result:
        item["origin"] = "prediction"
    score = settings.score if found.score is None else found.score
    return {"model_version": version, "score": score, "result": result}


def _shown(chunk: Row, article: Row, scheme: Scheme) -> dict[str, Any]:
    own = scheme.target_mode == "article"
    return {
        "chunk_id": chunk["chunk_id"],
        "article_id": chunk["article_id"],
        "text": chunk["text"],
        "title": article["title"] or "",
        "targets": list(article.get("targets") or ()) if own else list(scheme.targets),
    }
