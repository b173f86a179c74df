"""Checks of an annotation as a whole, and of annotators over all they did: habits that one annotation cannot show."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import mask
from builder.quality.checks.inputs import Answers, CheckInputs, Finding, described
from builder.quality.votes import voting
from builder.tables import rows_of, values_of
from builder.text import similarity, token_spans

#: The label by question and target.
Given = dict[tuple[str, str], str]
_OTHER_TEXT = (
    "The task shows another text than the article has. Where the article changed, `builder push` adds its new chunks;"
    " where somebody edited the task in Label Studio, restore its text, or delete it and push again."
)


def article_changed(inputs: CheckInputs) -> Iterator[Finding]:
    """The article no longer reads what its annotator saw, so offsets would point elsewhere."""
    texts = inputs.article_texts
    if not texts:
        return
    windows = rows_of(inputs.windows, "article_id", "start", "end", "text")
    changed = {
        window
        for window, (article, start, end, text) in enumerate(windows)
        if article not in texts or texts[article][start:end] != text
    }
    for row, window in enumerate(inputs.window_of_annotation.tolist()):
        if window in changed:
            yield Finding(row, "$", _OTHER_TEXT)


def other_scheme(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotation was made under another version of the label scheme."""
    now = f"{inputs.scheme.name}@{inputs.scheme.version}"
    made_under = inputs.annotations["scheme_version"]
    same = mask(pc.is_in(made_under, pa.array([now, inputs.scheme.version])))
    for row in np.flatnonzero(inputs.submitted & ~same).tolist():
        made = made_under[row].as_py()
        yield Finding(row, "$", f"It was made under label scheme {made or 'unknown'}; now it is {now}.")


def not_assigned(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotation is in a project that belongs to another annotator, and `quality.accepted` does not name it."""
    yield from _by_another(inputs, "assigned_to", "It is in the project of {}, who alone is asked there.")


def changed_by_another(inputs: CheckInputs) -> Iterator[Finding]:
    """Another account than its author's saved the annotation last, and `quality.accepted` does not name it."""
    yield from _by_another(inputs, "changed_by", "It was saved by {}, not by its author.")


def _by_another(inputs: CheckInputs, column: str, message: str) -> Iterator[Finding]:
    another = mask(pc.not_equal(inputs.annotations[column], inputs.annotations["annotator"]))
    for row in np.flatnonzero(inputs.submitted & another).tolist():
        annotation, other = (inputs.annotations[name][row].as_py() for name in ("annotation_id", column))
        if annotation not in inputs.settings.accepted:
            accept = f" To count it, add it to quality.accepted: {annotation}"
            yield Finding(row, "$", message.format(other) + accept)


def fast_empty(inputs: CheckInputs) -> Iterator[Finding]:
    """An empty annotation was submitted in less than `fast_seconds`."""
    yield from _fast(inputs, "labelled-empty", "empty")


def fast_answer(inputs: CheckInputs) -> Iterator[Finding]:
    """An annotation with answers was submitted in less than `fast_seconds`."""
    yield from _fast(inputs, "labelled", "with answers")


def _fast(inputs: CheckInputs, state: str, how: str) -> Iterator[Finding]:
    least, times = inputs.settings.fast_seconds, inputs.annotations["lead_time"]
    fast = pc.and_(pc.equal(inputs.annotations["state"], state), pc.less(times, least))
    for row in np.flatnonzero(mask(fast)).tolist():
        accepted = inputs.annotations["prediction"][row].as_py() == "accepted"
        end = "; the suggestion was accepted as it was." if accepted else "."
        said = f"It was submitted {how} after {times[row].as_py():.1f} s (below {least:g} s){end}"
        yield Finding(row, "$.lead_time", said)


def second_annotation(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotator submitted the chunk more than once; the latest counts."""
    usable = inputs.submitted & ~mask(inputs.annotations["quarantined"])
    counted = set(voting(inputs.annotations)["annotation_id"].to_pylist())
    for row, annotation in enumerate(inputs.annotations["annotation_id"].to_pylist()):
        if usable[row] and annotation not in counted:
            yield Finding(row, "$", "The annotator submitted this chunk again later; that annotation counts.")


def flagged(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotator reported a problem with the chunk."""
    some = inputs.submitted & (pc.fill_null(pc.list_value_length(inputs.annotations["problems"]), 0).to_numpy() > 0)
    rows = np.flatnonzero(some)
    reported = inputs.annotations.select(["problems", "comment"]).take(pa.array(rows))
    for row, problems, comment in zip(rows.tolist(), *(c.to_pylist() for c in reported.columns), strict=True):
        said = f" ({comment})" if comment else ""
        yield Finding(row, "$.result[?(@.from_name=='problem')]", f"Reported: {', '.join(problems)}{said}.")


def straight_lining(inputs: CheckInputs) -> Iterator[Finding]:
    """Nearly all answers of an annotator are the same, and those of the others on the same chunks are not."""
    share = inputs.settings.straight_share
    for annotator, mine, others in _habits(inputs):
        answers, count = Counter(mine.values()).most_common(1)[0]
        if count < share * len(mine) or not answers:
            continue
        theirs = [work[chunk] for work in others for chunk in mine if chunk in work]
        if theirs and theirs.count(answers) >= share * len(theirs):
            continue
        said = ", ".join(f"{target or question} {label}" for question, target, label in answers)
        yield Finding(None, "$", f"{count} of {len(mine)} chunks have the very same answers ({said}).", annotator)


def drift(inputs: CheckInputs) -> Iterator[Finding]:
    """An annotator's labels changed between the earlier and the later half, more than those of the others did."""
    for annotator, mine, others in _habits(inputs):
        chunks = list(mine)
        early, late = chunks[: len(chunks) // 2], chunks[len(chunks) // 2 :]
        both = [w for w in others if any(c in w for c in early) and any(c in w for c in late)]
        usual = float(np.mean([_distance(w, early, late) for w in both])) if both else 0.0
        changed = _distance(mine, early, late)
        if changed - usual >= inputs.settings.drift_distance:
            moved = f"{changed:.0%} of the answers moved between the earlier and the later half"
            yield Finding(None, "$", f"{moved} (others: {usual:.0%}).", annotator)


def _habits(inputs: CheckInputs) -> Iterator[tuple[str, dict[str, Answers], list[dict[str, Answers]]]]:
    """Each annotator who did `min_chunks` or more, that work, and the work of the others."""
    for annotator, mine in sorted(inputs.work.items()):
        if len(mine) >= inputs.settings.min_chunks:
            yield annotator, mine, [work for name, work in inputs.work.items() if name != annotator]


def _distance(work: dict[str, Answers], early: list[str], late: list[str]) -> float:
    """Total variation distance between the labels given on two lists of chunks: the share that differs."""
    before, after = (_labels(work[chunk] for chunk in half if chunk in work) for half in (early, late))
    n, m = before.total(), after.total()
    if not n or not m:
        return 0.0
    return sum(abs(before[x] / n - after[x] / m) for x in {*before, *after}) / 2


def _labels(given: Iterable[Answers]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for answers, times in Counter(given).items():
        for _, _, label in answers:
            counts[label] += times
    return counts


def contradiction(inputs: CheckInputs) -> Iterator[Finding]:
    """Near-duplicate chunks got opposite answers: from one annotator, or from the majorities of two chunks."""
    names, chunks = values_of(inputs.annotations["annotator"]), values_of(inputs.windows["chunk_id"])
    rows: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(inputs.submitted).tolist():
        rows[int(inputs.window_of_annotation[row])].append(row)
    for one, other in _near_duplicates(inputs, rows):
        where = f"in the near-duplicate {chunks[one]}."
        mine = {names[row]: _majority(inputs, [row]) for row in rows[one]}
        for row in rows[other]:
            for key, before, now in _differing(mine.get(names[row], {}), _majority(inputs, [row])):
                message = f"{described(*key)} is {now} here and {before} {where}"
                yield Finding(row, inputs.path_of(*key), message)
        if any(names[row] in mine for row in rows[other]):
            continue
        for key, before, now in _differing(_majority(inputs, rows[one]), _majority(inputs, rows[other])):
            message = f"Most say {described(*key)} is {now} here and {before} {where}"
            yield Finding(rows[other][0], inputs.path_of(*key), message)


def _near_duplicates(inputs: CheckInputs, annotated: Collection[int]) -> Iterator[tuple[int, int]]:
    """Pairs of annotated windows with nearly the same words, of two articles in one cluster."""
    articles, texts = values_of(inputs.windows["article_id"]), values_of(inputs.windows["text"])
    groups: dict[str, list[int]] = defaultdict(list)
    for window, article in enumerate(articles):
        if window in annotated:
            groups[inputs.clusters.get(article, article)].append(window)
    for windows in groups.values():
        if len({articles[w] for w in windows}) < 2:
            continue
        words = {w: frozenset(texts[w][start:end] for start, end in token_spans(texts[w])) for w in windows}
        for one, other in combinations(windows, 2):
            if articles[one] != articles[other] and similarity(words[one], words[other]) >= inputs.settings.same_text:
                yield one, other


def _differing(before: Given, now: Given) -> list[tuple[tuple[str, str], str, str]]:
    """The questions and targets that got another answer before: with that answer, and the one now."""
    return [(key, before[key], label) for key, label in sorted(now.items()) if before.get(key, label) != label]


def _majority(inputs: CheckInputs, rows: Iterable[int]) -> Given:
    """The answers that more than half of these annotations give."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for question, target, label in (answer for row in rows for answer in inputs.answers_of.get(row, ())):
        counts[question, target][label] += 1
    best = {key: c.most_common(1)[0] for key, c in counts.items()}
    return {key: label for key, (label, n) in best.items() if 2 * n > counts[key].total()}


def failed_questions(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotator answered too many gold questions wrong."""
    for annotator, message in sorted(inputs.failed_questions.items()):
        yield Finding(None, "$", message, annotator)
