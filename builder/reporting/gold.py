"""Gold and checks: how labels were decided, what waits for an expert, and what checks and gates say."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.checks import CHECKS
from builder.quality.settings import Quality
from builder.quality.votes import SUBMITTED, reviewed_chunks
from builder.reporting.side_by_side import shortened
from builder.settings import load
from builder.tables import rows_of

#: The checks of how somebody works, and statuses of gold in the order of a table.
HABITS = ("straight-lining", "drift", "fast-answer", "fast-empty", "failed-questions")
STATUSES = ("agreed", "single", "adjudicated", "expert", "unresolved", "rejected")
_EXAMPLES, _WAITING, _LISTED, _MESSAGE = 3, 20, 50, 500
#: By kind of gold: the column with its question, and that which says what it is about.
_ABOUT = (("question", "target"), ("kind", "label"))


@dataclass(frozen=True)
class FindingExample:
    """One finding, and where it is."""

    chunk_id: str
    annotator: str
    message: str


@dataclass(frozen=True)
class CheckLine:
    """What one check found, in how many chunks and of how many annotators. The severity "off" means it did not run."""

    check: str
    severity: str
    about: str
    count: int
    chunks: int
    annotators: int
    examples: tuple[FindingExample, ...]


@dataclass(frozen=True)
class HabitLine:
    """What the checks `HABITS` found about one annotator, each as a number, and in words.

    `judged` says whether there are enough chunks to tell; `accuracy` is that on the gold questions.
    """

    annotator: str
    chunks: int
    judged: bool
    found: tuple[int, ...]
    words: tuple[str, ...]
    accuracy: float | None


@dataclass(frozen=True)
class WaitingLine:
    """Labels without a decision, or annotations in quarantine; and the votes on some of them."""

    about: str
    count: int
    chunks: int
    examples: tuple[FindingExample, ...]


@dataclass(frozen=True)
class GoldSection:
    """`missing` says why nothing is known, `undecided` why gold is not. `waiting_chunks` wait for an expert.

    `gold` has per question or kind of span the method that decided, and how many labels have each of `STATUSES`.
    `calibration` says per question and method how well held-out votes are predicted: their number; the mean Brier score
    of the shares of votes, of the method's own probabilities and of the released ones; and the calibration error of
    these.
    """

    statuses: ClassVar[tuple[str, ...]] = STATUSES
    habit_checks: ClassVar[tuple[str, ...]] = HABITS

    missing: str = ""
    undecided: str = ""
    gold: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    calibration: tuple[tuple[str, str, int, float, float, float, float], ...] = ()
    waiting_chunks: int = 0
    waiting: tuple[WaitingLine, ...] = ()
    gates: tuple[Mapping[str, Any], ...] = ()
    checks: tuple[CheckLine, ...] = ()
    habits: tuple[HabitLine, ...] = ()


def gold_section(
    annotations: pa.Table | None,
    issues: pa.Table | None,
    agreement: Mapping[str, Any],
    gold: tuple[pa.Table, pa.Table] | None,
    chosen: Mapping[str, str] = MappingProxyType({}),
    gates: Sequence[Mapping[str, Any]] = (),
    quality: Quality | None = None,
    *,
    public: bool = False,
) -> GoldSection:
    """Gold and checks from ANNOTATIONS and ISSUES of `validate`, its agreement.json, and GOLD_SPANS and GOLD_ANSWERS.

    `chosen` are the methods in the summary of `adjudicate`, `gates` the verdicts of both summaries. The form for the
    `public` has no examples, and says nothing about single annotators.
    """
    if annotations is None or issues is None:
        return GoldSection("No annotation is checked yet: run `builder pull`, then `builder validate`.")
    quality = quality or Quality()
    submitted = annotations.filter(pc.is_in(annotations["state"], pa.array(SUBMITTED)))
    stopped = submitted.filter(pc.fill_null(submitted["quarantined"], False))
    reviewed = pa.array(sorted(reviewed_chunks(annotations)), pa.string())
    stopped = stopped.filter(pc.invert(pc.is_in(stopped["chunk_id"], reviewed)))
    counts: list[tuple[str, str, tuple[int, ...]]] = []
    waiting: list[WaitingLine] = []
    chunks = set(stopped["chunk_id"].to_pylist())
    for table, (name, about) in zip(reversed(gold or ()), _ABOUT, strict=False):
        found = Counter(rows_of(table, name, "status"))
        counts += [
            (question, chosen.get(question, ""), tuple(found[question, status] for status in STATUSES))
            for question in sorted({question for question, _ in found})
        ]
        still = table.filter(pc.equal(table["status"], "unresolved"))
        chunks |= set(still["chunk_id"].to_pylist())
        # A target may be words of an article.
        waiting += _waiting(still, name, name if public and about == "target" else about, public)
    if stopped.num_rows:
        errors = issues.filter(pc.equal(issues["severity"], "error"))
        errors = errors.filter(pc.is_in(errors["annotation_id"], stopped["annotation_id"].combine_chunks()))
        own = len(set(stopped["chunk_id"].to_pylist()))
        waiting.append(WaitingLine("in quarantine", stopped.num_rows, own, _examples(errors, public, _WAITING)))
    return GoldSection(
        undecided="" if gold else "No gold label is decided yet: run `builder adjudicate`.",
        gold=tuple(counts),
        calibration=tuple(_calibration(agreement)),
        waiting_chunks=len(chunks),
        waiting=tuple(sorted(waiting, key=lambda line: (-line.count, line.about))[:_LISTED]),
        # What a gate says about an annotator names that person.
        gates=tuple(v for v in gates if not (public and v["gate"] == "min_question_accuracy")),
        checks=tuple(_checks(issues, quality, public)),
        habits=() if public else tuple(_habits(submitted, issues, agreement, quality)),
    )


def _waiting(still: pa.Table, name: str, about: str, public: bool) -> Iterator[WaitingLine]:
    """Gold without a decision, by question and what it is about, with the votes on the first of it."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, key in enumerate(rows_of(still, name, about)):
        rows[key].append(at)
    for (question, of), positions in rows.items():
        examples = []
        for row in [] if public else still.take(positions[:_WAITING]).to_pylist():
            votes = Counter("nothing" if vote["label"] is None else vote["label"] for vote in row["votes"])
            said = ", ".join(f"{label} {n}" for label, n in votes.most_common())
            about_it = f"“{shortened(row['text'])}”: {said}" if "text" in row else said
            examples.append(FindingExample(row["chunk_id"], "", about_it))
        chunks = len(set(still["chunk_id"].take(positions).to_pylist()))
        words = f"{question}: {of}" if of and about != name else question
        yield WaitingLine(words, len(positions), chunks, tuple(examples))


def _examples(issues: pa.Table, public: bool, most: int = _EXAMPLES) -> tuple[FindingExample, ...]:
    rows = rows_of(issues.slice(0, 0 if public else most), "chunk_id", "annotator", "message")
    return tuple(FindingExample(chunk or "", who or "", shortened(message, _MESSAGE)) for chunk, who, message in rows)


def _checks(issues: pa.Table, quality: Quality, public: bool) -> list[CheckLine]:
    """Every check and everything that reading found odd, those with findings first, the most severe before others."""
    found = []
    for check in dict.fromkeys([*CHECKS, *issues["check"].to_pylist()]):
        of = issues.filter(pc.equal(issues["check"], check))
        severity = of["severity"][0].as_py() if of.num_rows else quality.severity.get(check, "off")
        known = load(CHECKS[check].function).__doc__ if check in CHECKS else "What reading the pull found odd."
        who, where = (pc.count_distinct(of[name]).as_py() for name in ("annotator", "chunk_id"))
        about = (known or "").split("\n")[0]
        found.append(CheckLine(check, severity, about, of.num_rows, where, who, _examples(of, public)))
    order = ("error", "warning", "info", "off")
    return sorted(found, key=lambda line: (not line.count, order.index(line.severity), -line.count))


def _habits(submitted: pa.Table, issues: pa.Table, agreement: Mapping[str, Any], quality: Quality) -> list[HabitLine]:
    chunks = Counter(who for who, _ in set(rows_of(submitted, "annotator", "chunk_id")))
    about = issues.filter(pc.is_in(issues["check"], pa.array(HABITS)))
    found = Counter(rows_of(about, "annotator", "check"))
    said = about.filter(pc.is_null(about["annotation_id"]))
    words = list(rows_of(said, "annotator", "check", "message"))
    known = agreement.get("known_answers", {})
    return [
        HabitLine(
            who,
            chunks[who],
            chunks[who] >= quality.min_chunks,
            tuple(found[who, check] for check in HABITS),
            tuple(f"{check}: {message}" for whose, check, message in words if whose == who),
            known.get(who, {}).get("accuracy"),
        )
        for who in sorted(chunks)
    ]


def _calibration(agreement: Mapping[str, Any]) -> Iterator[tuple[str, str, int, float, float, float, float]]:
    for name, found in [*agreement.get("answers", {}).items(), *agreement.get("spans", {}).items()]:
        for method, of in found["parts"]["calibration"].items():
            scores = (of[probabilities]["brier"] for probabilities in ("shares", "model", "released"))
            yield (name, method, of["released"]["votes"], *scores, of["released"]["calibration_error"])
