"""Checks of an annotation as a whole."""

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from builder.quality.checks.inputs import CheckInputs, Finding, booleans, codes
from builder.quality.voters import voting

_OTHER_TEXT = (
    "The task shows another text than the article has. Where the article changed, `builder push` adds its new chunks;"
    " where somebody edited the task in Label Studio, restore its text, or delete it and push again."
)


def article_changed(inputs: CheckInputs) -> Iterator[Finding]:
    """The article no longer reads what its annotator saw, so offsets would point elsewhere."""
    texts = inputs.article_texts
    if not texts:
        return
    columns = (inputs.windows[c].to_pylist() for c in ("article_id", "start", "end", "text"))
    changed = {
        window
        for window, (article, start, end, text) in enumerate(zip(*columns, strict=True))
        if article not in texts or texts[article][start:end] != text
    }
    for row, window in enumerate(inputs.window_of_annotation.tolist() if changed else ()):
        if window in changed:
            yield Finding(row, "$", _OTHER_TEXT)


def other_scheme(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotation was made under another version of the label scheme."""
    now = f"{inputs.scheme.name}@{inputs.scheme.version}"
    for row, made in enumerate(inputs.annotations["scheme_version"].to_pylist()):
        if inputs.submitted[row] and made not in (now, inputs.scheme.version):
            yield Finding(row, "$", f"It was made under label scheme {made or 'unknown'}; now it is {now}.")


def fast_empty(inputs: CheckInputs) -> Iterator[Finding]:
    """An empty annotation was submitted in less than `fast_seconds`."""
    least = inputs.settings.fast_seconds
    times = inputs.annotations["lead_time"]
    empty = pc.and_(pc.equal(inputs.annotations["state"], "labelled-empty"), pc.less(times, least))
    for row in np.flatnonzero(booleans(empty)).tolist():
        seconds = times[row].as_py()
        yield Finding(row, "$.lead_time", f"It was submitted empty after {seconds:.1f} s (below {least:g} s).")


def second_annotation(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotator submitted the chunk more than once; the latest counts."""
    usable = inputs.submitted & ~booleans(inputs.annotations["quarantined"])
    chunk, _ = codes(inputs.annotations["chunk_id"])
    who, names = codes(inputs.annotations["annotator"])
    made = (chunk * len(names) + who)[usable]
    if len(np.unique(made)) == len(made):
        return
    counted = set(voting(inputs.annotations)["annotation_id"].to_pylist())
    for row, annotation in enumerate(inputs.annotations["annotation_id"].to_pylist()):
        if usable[row] and annotation not in counted:
            yield Finding(row, "$", "The annotator submitted this chunk again later; that annotation counts.")


def flagged(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotator reported a problem with the chunk."""
    comments = inputs.annotations["comment"].to_pylist()
    for row, problems in enumerate(inputs.annotations["problems"].to_pylist()):
        if problems and inputs.submitted[row]:
            said = f" ({comments[row]})" if comments[row] else ""
            yield Finding(row, "$.result[?(@.from_name=='problem')]", f"Reported: {', '.join(problems)}{said}.")
