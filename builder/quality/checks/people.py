"""Checks of annotators over all they did: habits that single annotations do not show."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np

from builder.quality.checks.view import Answers, Finding, View


def straight_lining(view: View) -> Iterator[Finding]:
    """Nearly all answers of an annotator are the same, and those of the others on the same chunks are not."""
    least, share = view.settings.min_chunks, view.settings.straight_share
    work = view.work
    for annotator, mine in sorted(work.items()):
        if len(mine) < least:
            continue
        answers, count = Counter(mine.values()).most_common(1)[0]
        if count < share * len(mine) or not answers:
            continue
        others = [w[chunk] for name, w in work.items() if name != annotator for chunk in mine if chunk in w]
        if others and sum(a == answers for a in others) >= share * len(others):
            continue
        said = ", ".join(f"{target} {label}" for target, label in answers)
        yield Finding(None, "$", f"{count} of {len(mine)} chunks have the very same answers ({said}).", annotator)


def drift(view: View) -> Iterator[Finding]:
    """An annotator's labels changed between the earlier and the later half, more than those of the others there."""
    work = view.work
    for annotator, mine in sorted(work.items()):
        chunks = list(mine)
        if len(chunks) < view.settings.min_chunks:
            continue
        early, late = chunks[: len(chunks) // 2], chunks[len(chunks) // 2 :]
        changed = _distance(mine, early, late)
        others = [w for name, w in work.items() if name != annotator]
        drifts = [_distance(w, early, late) for w in others if any(c in w for c in early) and any(c in w for c in late)]
        usual = float(np.mean(drifts)) if drifts else 0.0
        if changed - usual >= view.settings.drift_distance:
            moved = f"{changed:.0%} of the answers moved between the earlier and the later half"
            yield Finding(None, "$", f"{moved} (others: {usual:.0%}).", annotator)


def contradiction(view: View) -> Iterator[Finding]:
    """Near-duplicate chunks got opposite answers: from one annotator, or from the majorities of two chunks."""
    texts, articles = view.windows["text"].to_pylist(), view.windows["article_id"].to_pylist()
    groups: dict[str, list[int]] = defaultdict(list)
    for window, article in enumerate(articles):
        groups[view.clusters.get(article, article)].append(window)
    rows: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(view.submitted).tolist():
        rows[int(view.window_of_annotation[row])].append(row)
    answers = view.answers
    names, chunks = view.annotations["annotator"].to_pylist(), view.windows["chunk_id"].to_pylist()
    for windows in groups.values():
        if len({articles[w] for w in windows}) < 2:
            continue
        words = {w: frozenset(texts[w].split()) for w in windows if rows[w]}
        for one, other in combinations(sorted(words), 2):
            if articles[one] == articles[other]:
                continue
            shared = len(words[one] & words[other])
            if shared < view.settings.same_text * (len(words[one]) + len(words[other]) - shared):
                continue
            mine = {names[row]: dict(answers.get(row, ())) for row in rows[one]}
            for row in rows[other]:
                before, now = mine.get(names[row], {}), dict(answers.get(row, ()))
                for target in sorted(t for t in now if before.get(t, now[t]) != now[t]):
                    contrast = f"{target} is {now[target]} here and {before[target]}"
                    yield Finding(row, view.stance_path(target), f"{contrast} in the near-duplicate {chunks[one]}.")
            first, second = (_majority(answers.get(row, ()) for row in rows[w]) for w in (one, other))
            if any(names[row] in mine for row in rows[other]):
                continue
            for target in sorted(t for t in second if first.get(t, second[t]) != second[t]):
                contrast = f"Most say {target} is {second[target]} here and {first[target]}"
                path = view.stance_path(target)
                yield Finding(rows[other][0], path, f"{contrast} in the near-duplicate {chunks[one]}.")


def failed_questions(view: View) -> Iterator[Finding]:
    """The annotator answered too many gold questions wrong."""
    for annotator, message in sorted(view.failed_questions.items()):
        yield Finding(None, "$", message, annotator)


def _distance(work: dict[str, Answers], early: list[str], late: list[str]) -> float:
    """Total variation distance between the labels given on two lists of chunks: the share that differs."""
    before, after = (Counter(label for c in half for _, label in work.get(c, ())) for half in (early, late))
    n, m = before.total(), after.total()
    if not n or not m:
        return 0.0
    return sum(abs(before[x] / n - after[x] / m) for x in {*before, *after}) / 2


def _majority(given: Iterable[Answers]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for answers in given:
        for target, label in answers:
            counts[target][label] += 1
    best = {target: c.most_common(1)[0] for target, c in counts.items()}
    return {target: label for target, (label, n) in best.items() if 2 * n > counts[target].total()}
