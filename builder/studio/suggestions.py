"""Suggestions on the chunks that are pushed: from a list of names, a model over HTTP, or a function.

A hook gets chunks as {"chunk_id", "article_id", "text", "title", "targets"} and gives, for those it has something to
say about, {"chunk_id", "score", "entities": [{"start", "end", "label"}], "stance": {target: label}}; offsets are code
points of the chunk's text, and are compared with the marked "text" where a hook gives it. What it says about a chunk
becomes one prediction, stored with the task.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from builder.errors import ConfigError, SourceError, StudioError, Unreachable
from builder.questions.encode import stated
from builder.scheme import Scheme
from builder.studio.connection import default_tls, is_loopback
from builder.studio.settings import Suggestions
from builder.studio.tasks import batches
from builder.text import mentions

Row = Mapping[str, Any]


class Suggestion(msgspec.Struct):
    """What a hook says about one chunk: `said` is by question, with code points of the chunk's text."""

    chunk_id: str
    score: float | None = None
    model_version: str = ""
    said: dict[str, Any] = {}


class _Answer(msgspec.Struct):
    suggestions: list[dict[str, Any]]
    model_version: str = ""


Hook = Callable[[list[dict[str, Any]]], Iterable[Suggestion]]


def suggest(
    scheme: Scheme, settings: Suggestions, chunks: Sequence[Row], articles: Sequence[Row]
) -> dict[str, list[dict[str, Any]]]:
    """Predictions by chunk id, in the import format of Label Studio; empty with the method "none".

    Raises `StudioError` when a hook suggests what the scheme or the text does not have.
    """
    if settings.method == "none":
        return {}
    hook = HOOKS[settings.method](scheme, settings)
    by_id = {chunk["chunk_id"]: chunk for chunk in chunks}
    about = {article["article_id"]: article for article in articles}
    made: dict[str, list[dict[str, Any]]] = {}
    for some in batches(chunks, settings.batch):
        for found in hook([_shown(chunk, about[chunk["article_id"]], scheme) for chunk in some]):
            if found.chunk_id not in by_id:
                raise StudioError(
                    f"There is a suggestion for chunk {found.chunk_id!r}, which was not asked about.",
                    "Correct the hook.",
                )
            if found.chunk_id in made:
                raise StudioError(
                    f"There are two suggestions for chunk {found.chunk_id}.",
                    "Correct the hook: one suggestion per chunk.",
                )
            chunk = by_id[found.chunk_id]
            targets = list(about[chunk["article_id"]].get("targets") or [])
            made[found.chunk_id] = [_prediction(found, chunk, scheme, targets, settings)]
    return made


def gazetteer(phrases: Mapping[str, str]) -> Callable[[str], list[dict[str, Any]]]:
    """Finds phrases (phrase -> label) in a text as whole words, the longest first; see `text.mentions` for the rule.

    >>> find = gazetteer({"Japan": "GPE", "Bank of Japan": "ORG"})
    >>> [(mark["start"], mark["end"], mark["label"]) for mark in find("The bank of Japan, Japan's bank. Japanese!")]
    [(4, 17, 'ORG'), (19, 24, 'GPE')]
    """
    words = mentions(phrases)

    def label(found: str) -> str:
        # The text may write a phrase in another case.
        return phrases.get(found) or next(phrases[p] for p in phrases if mentions([p]).fullmatch(found))

    def find(text: str) -> list[dict[str, Any]]:
        return [{"start": m.start(), "end": m.end(), "label": label(m[0])} for m in words.finditer(text)]

    return find


def _gazetteer(scheme: Scheme, settings: Suggestions) -> Hook:
    if settings.file:
        phrases = _read(Path(settings.file))
    else:
        targets = [target for question in scheme.questions.values() for target in question.targets.values()]
        phrases = {alias: settings.alias_label for target in targets for alias in target.aliases}
    spans = scheme.questions.get("entities")
    known = spans.labels if spans else {}
    if unknown := set(phrases.values()) - set(known):
        raise ConfigError(
            f"The gazetteer has labels that the scheme {scheme.name} does not have: {', '.join(sorted(unknown))}.",
            f"Use {', '.join(known)}.",
        )
    find = gazetteer(phrases)

    def hook(chunks: list[dict[str, Any]]) -> Iterator[Suggestion]:
        for chunk in chunks:
            if entities := find(chunk["text"]):
                yield Suggestion(chunk["chunk_id"], settings.score, said={"entities": entities})

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
            raise SourceError(f"{path}:{number} is not `phrase<TAB>label`: {line!r}.", "Correct the line.")
        phrases[phrase.strip()] = label.strip()
    return phrases


def _http(scheme: Scheme, settings: Suggestions) -> Hook:
    name = f"{scheme.name}@{scheme.version}"

    def hook(chunks: list[dict[str, Any]]) -> list[Suggestion]:
        try:
            # Loopback never goes through a proxy of the environment.
            trusts = not is_loopback(settings.url)
            with httpx.Client(timeout=settings.timeout, trust_env=trusts, verify=default_tls()) as client:
                answer = client.post(settings.url, json={"scheme": name, "chunks": chunks})
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise _silent(settings.url, str(e)) from e
        if not answer.is_success:
            raise _silent(settings.url, f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip())
        return _understood(answer.content, settings.url)

    return hook


def _silent(url: str, why: str) -> Unreachable:
    reason = why.rstrip(".")
    return Unreachable(f"The model at {url} gave no suggestions: {reason}.", "Start it, or set suggestions=none.")


def _python(scheme: Scheme, settings: Suggestions) -> Hook:
    name = settings.function
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


#: Choices of `suggestions.method` besides "none".
HOOKS: dict[str, Callable[[Scheme, Suggestions], Hook]] = {"gazetteer": _gazetteer, "http": _http, "python": _python}


def _understood(body: bytes, where: str) -> list[Suggestion]:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
        found = [_suggestion(row) for row in answer.suggestions]
    except msgspec.DecodeError as e:
        raise StudioError(f"The suggestions of {where} do not have the right form: {e}.", "Correct the hook.") from e
    for one in found:
        one.model_version = one.model_version or answer.model_version
    return found


def _suggestion(row: dict[str, Any]) -> Suggestion:
    known: dict[str, Any] = {name: row.pop(name) for name in ("chunk_id", "score", "model_version") if name in row}
    return msgspec.convert({**known, "said": row}, Suggestion)


def _prediction(
    found: Suggestion, chunk: Row, scheme: Scheme, targets: list[str], settings: Suggestions
) -> dict[str, Any]:
    version = found.model_version or settings.model_version
    try:
        if "\0" in version:
            raise ValueError(f"the model version {version!r} holds a NUL, which the server cannot store")
        result = stated(found.said, chunk["text"], 0, scheme, targets)
    except (ValueError, ConfigError) as e:
        why = str(e).rstrip(".")
        raise StudioError(f"The suggestion for chunk {found.chunk_id} does not fit: {why}.", "Correct the hook.") from e
    for item in result:
        item["origin"] = "prediction"
    score = settings.score if found.score is None else found.score
    return {"model_version": version, "score": score, "result": result}


def _shown(chunk: Row, article: Row, scheme: Scheme) -> dict[str, Any]:
    own = list(article.get("targets") or ())
    asked = [target for q in scheme.questions.values() if not q.many for target in q.asked(own) or q.targets if target]
    return {
        "chunk_id": chunk["chunk_id"],
        "article_id": chunk["article_id"],
        "text": chunk["text"],
        "title": article["title"] or "",
        "targets": list(dict.fromkeys(asked)),
    }
