"""Suggestions on the chunks that are pushed: from a list of names, a model over HTTP, or a function.

A hook gets chunks as {"chunk_id", "article_id", "text", "title", "targets"}. For those it has something to say about it
gives {"chunk_id", "score", "model_version"} and what it says by question, as `builder.questions.encode.statement` takes
it, with code points of the chunk's text. That becomes one prediction, stored with the task.
"""

import importlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import msgspec

from builder.errors import ConfigError, SourceError, StudioError, Unreachable
from builder.questions.encode import scheme_name, stated, statement
from builder.scheme import Scheme
from builder.settings import load, shown_address
from builder.studio.connection import default_tls, is_loopback, limit, within
from builder.studio.settings import SUGGESTERS, Suggestions
from builder.studio.tasks import batches
from builder.text import mentions

Row = Mapping[str, Any]
Hook = Callable[[list[dict[str, Any]]], Iterable[dict[str, Any]]]
#: Stored where neither the hook nor the settings name a model.
_VERSIONS = {"gazetteer": "gazetteer"}
#: In JSON: an escape that is not itself escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class _Said(msgspec.Struct):
    """What a hook gives about one chunk, besides what it says."""

    chunk_id: str
    score: float | None = None
    model_version: str = ""


class _Answer(msgspec.Struct):
    suggestions: list[dict[str, Any]]
    model_version: str = ""


def suggestions_for(
    scheme: Scheme, settings: Suggestions, chunks: Sequence[Row], articles: Sequence[Row]
) -> dict[str, list[dict[str, Any]]]:
    """Predictions by chunk id, in the import format of Label Studio; empty with the method "none".

    Raises `StudioError` when a hook suggests what the scheme or the text does not have.
    """
    if settings.method == "none":
        return {}
    hook = load(SUGGESTERS[settings.method])(scheme, settings)
    by_id = {chunk["chunk_id"]: chunk for chunk in chunks}
    about = {article["article_id"]: article for article in articles}
    made: dict[str, list[dict[str, Any]]] = {}
    for some in batches(chunks, settings.batch):
        for row in hook([_asked(chunk, about[chunk["article_id"]], scheme) for chunk in some]):
            try:
                said = msgspec.convert(row, _Said)
                if said.chunk_id not in by_id:
                    raise ValueError("it was not asked about")
                if said.chunk_id in made:
                    raise ValueError(f"there are two suggestions for chunk {said.chunk_id}")
                chunk = by_id[said.chunk_id]
                targets = list(about[chunk["article_id"]].get("targets") or [])
                made[said.chunk_id] = [_prediction(row, said, chunk["text"], targets, scheme, settings)]
            except (ValueError, ConfigError) as e:  # also those of msgspec
                message = f"The suggestion for chunk {row.get('chunk_id')!r} does not fit: {str(e).rstrip('.')}."
                raise StudioError(message, "Correct the hook.") from e
    return made


def _prediction(
    row: Row, said: _Said, text: str, targets: Sequence[str], scheme: Scheme, settings: Suggestions
) -> dict[str, Any]:
    """What a hook says about a chunk as Label Studio imports it; raises `ValueError` when it does not fit."""
    version = said.model_version.strip() or settings.model_version or _VERSIONS.get(settings.method, "")
    if not version:
        raise ValueError("it has no model_version; set suggestions.model_version, or give one")
    if not version.isprintable():
        raise ValueError(f"the model version {version!r} holds characters that cannot be shown")
    if said.score is not None and not 0 <= said.score <= 1:
        raise ValueError(f"the score {said.score} is not between 0 and 1")
    if _NUL.search(msgspec.json.encode(row)):  # fails where half of a surrogate pair is in it
        raise ValueError("it holds a NUL, which the server cannot store")
    answers = {name: value for name, value in row.items() if name not in _Said.__struct_fields__}
    _refuse_unfit(statement(answers, scheme, targets=targets, text=text).spans, text, scheme)
    result = [{**item, "origin": "prediction"} for item in stated(answers, text, 0, scheme, targets)]
    return {"model_version": version, "score": settings.score if said.score is None else said.score, "result": result}


def _refuse_unfit(spans: Sequence[Row], text: str, scheme: Scheme) -> None:
    """Raises `ValueError` for a blank span, and for spans that cross or nest where their question forbids it."""
    if blank := next((s for s in spans if not text[s["start"] : s["end"]].strip()), None):
        raise ValueError(f"the span [{blank['start']}, {blank['end']}) contains only blanks")
    for question in (q for q in scheme.questions.values() if q.gives == "spans"):
        places = sorted({(s["start"], -s["end"]) for s in spans if s["kind"] == question.span_kind})
        for (start, end), (later, last) in combinations(places, 2):
            inside = -last <= -end
            if later < -end and not (question.nesting if inside else question.overlap):
                how = "is inside" if inside else "crosses"
                raise ValueError(
                    f"{question.name}: [{later}, {-last}) {how} [{start}, {-end}), which the scheme forbids"
                )


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

    return lambda text: [{"start": m.start(), "end": m.end(), "label": label(m[0])} for m in words.finditer(text)]


def gazetteer_hook(scheme: Scheme, settings: Suggestions) -> Hook:
    questions = scheme.questions.values()
    if settings.file:
        phrases = _read(Path(settings.file))
    else:
        aliases = [alias for question in questions for target in question.targets.values() for alias in target.aliases]
        phrases = dict.fromkeys(aliases, settings.alias_label)
    # The questions whose spans have labels of the scheme's own.
    spans = [question for question in questions if question.gives == "spans" and "labels" in question.vocabulary]
    known = {label: question.name for question in spans for label in question.labels}
    if unknown := set(phrases.values()) - set(known):
        raise ConfigError(
            f"The gazetteer has labels that the scheme {scheme.name} does not have: {', '.join(sorted(unknown))}.",
            f"Use {', '.join(known)}.",
        )
    find = gazetteer(phrases)

    def hook(chunks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for chunk in chunks:
            said = defaultdict(list)
            for mark in find(chunk["text"]):
                said[known[mark["label"]]].append(mark)
            if said:
                yield {"chunk_id": chunk["chunk_id"], **said}

    return hook


def _read(path: Path) -> dict[str, str]:
    phrases = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as e:
        raise SourceError(f"suggestions.file cannot be read: {e}.", "Correct the path or the file.") from e
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        phrase, _, label = (part.strip() for part in line.rpartition("\t"))
        if not phrase or not label:
            raise SourceError(f"{path}:{number} is not `phrase<TAB>label`: {line!r}.", "Correct the line.")
        phrases[phrase] = label
    return phrases


def http_hook(scheme: Scheme, settings: Suggestions) -> Hook:
    def hook(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            # Loopback never goes through a proxy of the environment.
            trusts = not is_loopback(settings.url)
            with httpx.Client(timeout=settings.timeout, trust_env=trusts, verify=default_tls()) as client:
                client.headers["Accept-Encoding"], client.event_hooks = "gzip", {"response": [limit]}
                asked = {"scheme": scheme_name(scheme), "chunks": chunks}
                answer = within(settings.timeout, lambda: client.post(settings.url, json=asked))
            why = "" if answer.is_success else f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip()
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            why = str(e).rstrip(".")
        if why:
            message = f"The model at {shown_address(settings.url)} gave no suggestions: {why}."
            raise Unreachable(message, "Start it, or set suggestions=none.")
        return _understood(
            lambda: json.loads(answer.content, object_pairs_hook=_once_each), shown_address(settings.url)
        )

    return hook


def python_hook(scheme: Scheme, settings: Suggestions) -> Hook:
    name = settings.function
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as e:
        raise ConfigError(
            f"suggestions.function {name!r} cannot be imported: {e}.",
            "Correct its name, and set PYTHONPATH to the folder of its module.",
        ) from e

    def hook(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            # Not as JSON, in which a score that is no number would look like none at all.
            said = msgspec.to_builtins({"suggestions": function(chunks)})
        except Exception as e:  # anything may go wrong in somebody else's function
            raise StudioError(
                f"suggestions.function {name} failed: {type(e).__name__}: {e}.",
                "Correct it; HYDRA_FULL_ERROR=1 shows where.",
            ) from e
        return _understood(lambda: said, name)

    return hook


def _understood(body: Callable[[], Any], where: str) -> list[dict[str, Any]]:
    try:
        answer = msgspec.convert(body(), _Answer)
    except (ValueError, RecursionError) as e:  # also those of msgspec
        raise StudioError(f"The suggestions of {where} do not have the right form: {e}.", "Correct the hook.") from e
    return [{"model_version": answer.model_version, **row} for row in answer.suggestions]


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs; raises `ValueError` when it has a key twice, of which one would be lost."""
    if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise ValueError(f"the key {twice[0]!r} is there twice")
    return dict(pairs)


def _asked(chunk: Row, article: Row, scheme: Scheme) -> dict[str, Any]:
    """A chunk as a hook gets it."""
    own = list(article.get("targets") or ())
    asked = [target for q in scheme.questions.values() if not q.many for target in q.asked(own) or q.targets if target]
    return {
        "chunk_id": chunk["chunk_id"],
        "article_id": chunk["article_id"],
        "text": chunk["text"],
        "title": article["title"] or "",
        "targets": list(dict.fromkeys(asked)),
    }
