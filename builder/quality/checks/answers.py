"""Checks of stances, evidence and of an annotation as a whole."""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.checks.view import Finding, Mask, View, booleans, codes
from builder.quality.votes import voting
from builder.scheme import Target

_OTHER_TEXT = (
    "The task shows another text than the article has. Where the article changed, `builder push` brings its new chunks;"
    " where somebody edited the task in Label Studio, put its text back, or delete it and push again."
)


def article_changed(view: View) -> Iterator[Finding]:
    """The article no longer reads what its annotator saw, so offsets would point elsewhere."""
    if not view.article_texts:
        return
    changed = set()
    columns = ("article_id", "start", "end", "text")
    for row, (article, start, end, text) in enumerate(
        zip(*(view.windows[c].to_pylist() for c in columns), strict=True)
    ):
        if article not in view.article_texts or view.article_texts[article][start:end] != text:
            changed.add(row)
    if changed:
        for row, window in enumerate(view.window_of_annotation.tolist()):
            if window in changed:
                yield Finding(row, "$", _OTHER_TEXT)


def unknown_label(view: View) -> Iterator[Finding]:
    """The stance is not one of the scheme."""
    wrong = pc.invert(pc.is_in(view.stances["label"], pa.array(list(view.scheme.stance), pa.string())))
    for row, target, label in _stances(view, wrong):
        yield Finding(row, view.stance_path(target), f"{label!r} (toward {target}) is no stance of the scheme.")


def unknown_target(view: View) -> Iterator[Finding]:
    """A stance or an evidence span is about something that was not asked."""
    foreign = None
    if view.scheme.target_mode == "fixed":
        foreign = pc.invert(pc.is_in(view.stances["target"], pa.array(list(view.scheme.targets), pa.string())))
    for row, target, label in _stances(view, foreign):
        asked = _asked(view, row)
        if asked is not None and target not in asked:
            message = f"{label} is about {target!r}, which is no target of the chunk."
            yield Finding(row, view.stance_path(target), message)
    for row, path, targets in _evidence(view):
        asked = _asked(view, row)
        for target in targets:
            if asked is not None and target not in asked:
                yield Finding(row, path, f"The evidence is about {target!r}, which is no target of the chunk.")


def missing_stance(view: View) -> Iterator[Finding]:
    """A target that was asked for has no answer; in mention mode, a marked entity has none."""
    if not view.scheme.stance:
        return
    if view.scheme.target_mode == "mention":
        answered = set(zip(view.stances["annotation_id"].to_pylist(), view.stances["span_id"].to_pylist(), strict=True))
        columns = ("annotation_id", "span_id", "kind", "text")
        spans = zip(view.annotation_of_span.tolist(), *(view.spans[c].to_pylist() for c in columns), strict=True)
        for row, annotation, span, kind, text in spans:
            if kind == "entity" and (annotation, span) not in answered:
                yield Finding(row, f"$.result[?(@.id=='{span}')]", f"No stance toward {text!r} is given.")
        return
    for row in np.flatnonzero(view.submitted & ~_complete(view)).tolist():
        given = {target for target, _ in view.answers.get(row, ())}
        missing = [t for t in _asked(view, row) or () if t not in given]
        if missing:
            yield Finding(row, view.stance_path(missing[0]), f"No stance is given toward {', '.join(missing)}.")


def _complete(view: View) -> Mask:
    """Annotations of a fixed list of targets that answer as often as they were asked, each target once."""
    if view.scheme.target_mode != "fixed":
        return np.zeros(len(view.submitted), dtype=np.bool_)
    targets = pa.array(list(view.scheme.targets), pa.string())
    target = pc.fill_null(pc.index_in(view.stances["target"], value_set=targets), -1).to_numpy().astype(np.int64)
    answered = np.zeros((len(view.submitted), len(targets) + 1), dtype=np.bool_)
    answered[view.annotation_of_stance, target] = True
    complete: Mask = np.asarray(answered[:, : len(targets)].all(axis=1), dtype=np.bool_)
    return complete


def conflicting_stance(view: View) -> Iterator[Finding]:
    """One annotation gives two different stances toward one target."""
    target, _ = codes(view.stances["target"])
    span, spans = codes(view.stances["span_id"])
    about = (view.annotation_of_stance * (int(target.max(initial=0)) + 1) + target) * max(len(spans), 1) + span
    _, first, times = np.unique(about, return_index=True, return_counts=True)
    if len(first) == len(about):
        return
    seen: dict[int, str] = {}
    twice = np.isin(about, about[first[times > 1]])
    labels = view.stances["label"].to_pylist()
    names = view.stances["target"].to_pylist()
    for i in np.flatnonzero(twice).tolist():
        before = seen.setdefault(int(about[i]), labels[i])
        if before != labels[i]:
            message = f"The stance toward {names[i]} is both {before} and {labels[i]}."
            yield Finding(int(view.annotation_of_stance[i]), view.stance_path(names[i]), message)


def evidence_without_stance(view: View) -> Iterator[Finding]:
    """Evidence names no target, or one toward which its annotator gave no stance or that it is not addressed."""
    for row, path, targets in _evidence(view):
        if not targets:
            yield Finding(row, path, "The evidence does not say which target it is about.")
        for target in targets:
            given = dict(view.answers.get(row, ())).get(target, "missing")
            if given in ("missing", view.scheme.absent):
                yield Finding(row, path, f"The evidence is about {target}, whose stance is {given}.")


def stance_out_of_sight(view: View) -> Iterator[Finding]:
    """A stance is given toward a target that neither the chunk nor the headline mentions."""
    if view.scheme.target_mode == "mention":
        return
    texts, titles = view.windows["text"].to_pylist(), view.windows["title"].to_pylist()
    visible: dict[tuple[int, str], bool] = {}
    for row, target, label in _stances(view, pc.not_equal(view.stances["label"], view.scheme.absent)):
        window = int(view.window_of_annotation[row])
        if window < 0:
            continue
        key = (window, target)
        if key not in visible:
            words = _words_of(target, view.scheme.targets.get(target, Target()))
            visible[key] = any(w.search(texts[window]) or w.search(titles[window] or "") for w in words)
        if not visible[key]:
            yield Finding(row, view.stance_path(target), f"{label} toward {target}, which the chunk does not mention.")


def other_scheme(view: View) -> Iterator[Finding]:
    """The annotation was made under another version of the label scheme."""
    version = view.annotations["scheme_version"]
    now = f"{view.scheme.name}@{view.scheme.version}"
    for row, made in enumerate(version.to_pylist()):
        if view.submitted[row] and made not in (now, view.scheme.version):
            yield Finding(row, "$", f"It was made under label scheme {made or 'unknown'}; now it is {now}.")


def fast_empty(view: View) -> Iterator[Finding]:
    """An empty annotation was submitted faster than anybody reads."""
    least = view.settings.fast_seconds
    empty = pc.and_(
        pc.equal(view.annotations["state"], "labelled-empty"), pc.less(view.annotations["lead_time"], least)
    )
    for row in np.flatnonzero(pc.fill_null(empty, False).to_numpy()).tolist():
        seconds = view.annotations["lead_time"][row].as_py()
        yield Finding(row, "$.lead_time", f"It was submitted empty after {seconds:.1f} s (below {least:g} s).")


def second_annotation(view: View) -> Iterator[Finding]:
    """The annotator submitted the chunk more than once; the latest counts."""
    chunk, _ = codes(view.annotations["chunk_id"])
    who, names = codes(view.annotations["annotator"])
    made = (chunk * max(len(names), 1) + who)[view.submitted]
    if len(np.unique(made)) == len(made):
        return
    counted = set(voting(view.annotations)["annotation_id"].to_pylist())
    unusable = booleans(view.annotations["quarantined"])
    for row, annotation in enumerate(view.annotations["annotation_id"].to_pylist()):
        if view.submitted[row] and not unusable[row] and annotation not in counted:
            yield Finding(row, "$", "The annotator submitted this chunk again later; that annotation counts.")


def flagged(view: View) -> Iterator[Finding]:
    """The annotator reported a problem with the chunk."""
    comments = view.annotations["comment"].to_pylist()
    for row, problems in enumerate(view.annotations["problems"].to_pylist()):
        if problems and view.submitted[row]:
            said = f" ({comments[row]})" if comments[row] else ""
            yield Finding(row, "$.result[?(@.from_name=='problem')]", f"Reported: {', '.join(problems)}{said}.")


def _stances(view: View, chosen: pa.ChunkedArray | None) -> Iterator[tuple[int, str, str]]:
    rows = np.arange(view.stances.num_rows) if chosen is None else np.flatnonzero(pc.fill_null(chosen, True).to_numpy())
    table = view.stances.select(["target", "label"]).take(pa.array(rows))
    return zip(
        view.annotation_of_stance[rows].tolist(), table["target"].to_pylist(), table["label"].to_pylist(), strict=True
    )


def _evidence(view: View) -> Iterator[tuple[int, str, list[str]]]:
    rows = np.flatnonzero(pc.equal(view.spans["kind"], "evidence").to_numpy())
    table = view.spans.select(["span_id", "targets"]).take(pa.array(rows)).to_pylist()
    for row, span in zip(view.annotation_of_span[rows].tolist(), table, strict=True):
        yield row, f"$.result[?(@.id=='{span['span_id']}')]", span["targets"] or []


def _asked(view: View, row: int) -> list[str] | None:
    """The targets asked about an annotation's chunk; None when that is not a fixed list."""
    if view.scheme.target_mode == "fixed":
        return list(view.scheme.targets)
    window = int(view.window_of_annotation[row])
    if view.scheme.target_mode == "mention" or window < 0:
        return None
    targets: list[str] | None = view.windows["targets"][window].as_py()
    return targets


@cache
def _pattern(alias: str) -> re.Pattern[str]:
    # Short forms such as US are words of their own in lower case.
    flags = 0 if alias.upper() == alias or len(alias) < 4 else re.IGNORECASE
    return re.compile(rf"(?<!\w){re.escape(alias)}(?!\w)", flags)


def _words_of(target: str, known: Target) -> list[re.Pattern[str]]:
    names = [*known.aliases, known.title, target.replace("_", " ")]
    return [_pattern(name) for name in dict.fromkeys(names) if name]
