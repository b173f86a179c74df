"""Gold and checks: how labels were decided, what waits for an expert, and what checks and gates say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.checks import CHECKS
from builder.quality.settings import Quality
from builder.quality.votes import SUBMITTED, reviewed_chunks
from builder.settings import load
from builder.tables import rows_of

#: The checks of how somebody works, and statuses of gold in the order of a table.
HABITS = ("straight-lining", "drift", "fast-answer", "fast-empty", "failed-questions")
STATUSES = ("agreed", "single", "adjudicated", "expert", "unresolved", "rejected")
_EXAMPLES, _WAITING = 3, 20
#: By kind of gold: the column with its question, and that which says what it is about.
_ABOUT = (("question", "target"), ("kind", "label"))


@dataclass(frozen=True)
class GoldCount:
    """Gold of one question or kind of span, counted by `STATUSES`, and the method that decided, with the reason."""

    name: str
    method: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class CalibrationLine:
    """How well one method predicts `votes` that it has not seen: as mean Brier score (0 is best) of the shares of the
    votes, the method's own probabilities and the released ones; and the calibration error of these."""

    name: str
    method: str
    votes: int
    shares: float
    model: float
    released: float
    error: float


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
    """`missing` says why nothing is known, `undecided` why gold is not. `waiting_chunks` wait for an expert."""

    statuses: ClassVar[tuple[str, ...]] = STATUSES
    habit_checks: ClassVar[tuple[str, ...]] = HABITS

    missing: str = ""
    undecided: str = ""
    gold: tuple[GoldCount, ...] = ()
    calibration: tuple[CalibrationLine, ...] = ()
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
    counts, waiting, chunks = [], [], set(stopped["chunk_id"].to_pylist())
    for table, (name, about) in zip(reversed(gold or ()), _ABOUT, strict=False):
        if public and about == "target":  # it may be words of an article
            about = name
        found = Counter(rows_of(table, name, "status"))
        for question in sorted({question for question, _ in found}):
            numbers = tuple(found[question, status] for status in STATUSES)
            counts.append(GoldCount(question, chosen.get(question, ""), numbers))
        still = table.filter(pc.equal(table["status"], "unresolved"))
        chunks |= set(still["chunk_id"].to_pylist())
        for key in sorted(set(rows_of(still, name, about))):
            of = still.filter(pc.and_(pc.equal(still[name], key[0]), pc.equal(still[about], key[1])))
            examples = () if public else tuple(map(_undecided, of.slice(0, _WAITING).to_pylist()))
            words = f"{key[0]}: {key[1]}" if key[1] and about != name else key[0]
            waiting.append(WaitingLine(words, of.num_rows, pc.count_distinct(of["chunk_id"]).as_py(), examples))
    if stopped.num_rows:
        errors = issues.filter(pc.equal(issues["severity"], "error"))
        errors = errors.filter(pc.is_in(errors["annotation_id"], stopped["annotation_id"].combine_chunks()))
        own = pc.count_distinct(stopped["chunk_id"]).as_py()
        waiting.append(WaitingLine("in quarantine", stopped.num_rows, own, _examples(errors, public, _WAITING)))
    return GoldSection(
        undecided="" if gold else "No gold label is decided yet: run `builder adjudicate`.",
        gold=tuple(counts),
        calibration=tuple(_calibration(agreement)),
        waiting_chunks=len(chunks),
        waiting=tuple(sorted(waiting, key=lambda line: (-line.count, line.about))),
        # What a gate says about an annotator names that person.
        gates=tuple(v for v in gates if not (public and v["gate"] == "min_question_accuracy")),
        checks=tuple(_checks(issues, quality, public)),
        habits=() if public else tuple(_habits(submitted, issues, agreement, quality)),
    )


def _undecided(row: Mapping[str, Any]) -> FindingExample:
    """The votes on a row of gold, in words."""
    votes = Counter("nothing" if vote["label"] is None else vote["label"] for vote in row["votes"])
    said = ", ".join(f"{label} {n}" for label, n in votes.most_common())
    return FindingExample(row["chunk_id"], "", f"“{row['text']}”: {said}" if row.get("text") else said)


def _examples(issues: pa.Table, public: bool, most: int = _EXAMPLES) -> tuple[FindingExample, ...]:
    rows = islice(rows_of(issues.slice(0, most), "chunk_id", "annotator", "message"), 0 if public else most)
    return tuple(FindingExample(chunk or "", annotator or "", message) for chunk, annotator, message in rows)


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


def _calibration(agreement: Mapping[str, Any]) -> list[CalibrationLine]:
    measured = [*agreement.get("answers", {}).items(), *agreement.get("spans", {}).items()]
    return [
        CalibrationLine(
            name, method, of["released"]["votes"], of["shares"]["brier"], of["model"]["brier"], of["released"]["brier"],
            of["released"]["calibration_error"],
        )
        for name, found in measured
        for method, of in found["parts"]["calibration"].items()
    ]  # fmt: skip
