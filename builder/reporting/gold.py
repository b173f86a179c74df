"""Gold and checks: how labels were decided, what waits for an expert, and what checks and gates say."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement import AgreementReport
from builder.quality.checks import CHECKS
from builder.quality.settings import Quality
from builder.quality.votes import SUBMITTED, reviewed_chunks
from builder.reporting.facts import UNCHECKED, Facts
from builder.reporting.side_by_side import shortened
from builder.settings import load
from builder.tables import rows_of

#: The checks of how somebody works, and statuses of gold in the order of a table.
HABITS = ("straight-lining", "drift", "fast-answer", "fast-empty", "failed-questions")
STATUSES = ("agreed", "single", "adjudicated", "expert", "unresolved", "rejected")
_EXAMPLES, _WAITING, _LISTED, _MESSAGE = 3, 20, 50, 500
HOLDS = ("does not hold", "holds")
_SEVERITIES = ("error", "warning", "info", "off")
#: The chunk of something found, its annotator, and what it says.
Findings = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class GoldSection:
    """`missing` says why nothing is known, `undecided` why gold is not. `waiting_chunks` wait for an expert.

    - `gold`: question or kind of span, how many labels have each of `statuses`, and the method that decided.
    - `waiting`: labels without a decision, or annotations in quarantine: about what, how many, in how many chunks, and
      the votes on some of them.
    - `gates`: the gate, what it is about, whether it holds in words, what was found and is needed, a message.
    - `checks`: the check, its severity ("off": it did not run), what it found, in how many chunks, of how many
      annotators; and what it reports, with examples.
    - `habits`: an annotator, how many chunks, what each of `habit_checks` found, the accuracy on gold questions, and
      the findings in words.
    - `calibration`: question, method, how many held-out votes; the mean Brier score of the shares of votes, of the
      method's own probabilities and of the released ones; and the calibration error of these.
    """

    statuses: ClassVar[tuple[str, ...]] = STATUSES
    habit_checks: ClassVar[tuple[str, ...]] = HABITS

    missing: str = ""
    undecided: str = ""
    gold: tuple[tuple[str | int, ...], ...] = ()
    waiting_chunks: int = 0
    waiting: tuple[tuple[str, int, int, Findings], ...] = ()
    gates: tuple[tuple[Any, ...], ...] = ()
    checks: tuple[tuple[str, str, int, int, int, tuple[str, Findings]], ...] = ()
    habits: tuple[tuple[Any, ...], ...] = ()
    calibration: tuple[tuple[str, str, int, float, float, float, float], ...] = ()


def gold_section(facts: Facts) -> GoldSection:
    """Gold and checks from the tables and summaries of `validate` and `adjudicate`, and the agreement.

    On a public page there are no examples, and nothing about single annotators.
    """
    annotations, issues, public = facts.table("annotations"), facts.table("issues"), facts.public
    if annotations is None or issues is None:
        return GoldSection(UNCHECKED)
    submitted = annotations.filter(pc.is_in(annotations["state"], pa.array(SUBMITTED)))
    stopped = submitted.filter(pc.fill_null(submitted["quarantined"], False))
    reviewed = pa.array(sorted(reviewed_chunks(annotations)), pa.string())
    stopped = stopped.filter(pc.invert(pc.is_in(stopped["chunk_id"], reviewed)))
    decided = facts.summaries.get("adjudicate", {})
    gold: list[tuple[str | int, ...]] = []
    waiting: list[tuple[str, int, int, Findings]] = []
    own = set(stopped["chunk_id"].to_pylist())
    chunks = set(own)
    for name, kind, about in (("gold_answers", "question", "target"), ("gold_spans", "kind", "label")):
        if (table := facts.table(name)) is None:
            continue
        found = Counter(rows_of(table, kind, "status"))
        gold += [
            (question, *(found[question, status] for status in STATUSES), decided["chosen"].get(question, ""))
            for question in sorted({question for question, _ in found})
        ]
        still = table.filter(pc.equal(table["status"], "unresolved"))
        chunks |= set(still["chunk_id"].to_pylist())
        # A target may be words of an article.
        waiting += _waiting(still, kind, kind if public and about == "target" else about, public)
    if stopped.num_rows:
        errors = issues.filter(pc.equal(issues["severity"], "error"))
        errors = errors.filter(pc.is_in(errors["annotation_id"], stopped["annotation_id"].combine_chunks()))
        waiting.append(("in quarantine", stopped.num_rows, len(own), _findings(errors, 0 if public else _WAITING)))
    gates = [gate for name in ("validate", "adjudicate") for gate in facts.summaries.get(name, {}).get("gates", ())]
    return GoldSection(
        undecided="" if decided else "No gold label is decided yet: run `builder adjudicate`.",
        gold=tuple(gold),
        waiting_chunks=len(chunks),
        waiting=tuple(sorted(waiting, key=lambda line: (-line[1], line[0]))[:_LISTED]),
        gates=tuple(
            (v["gate"], v["about"] or "all", HOLDS[v["holds"]], v["found"], v["needed"], v["message"])
            for v in gates
            # What this gate says about an annotator names that person.
            if not (public and v["gate"] == "min_question_accuracy")
        ),
        checks=tuple(_checks(issues, facts.quality, public)),
        habits=() if public else tuple(_habits(submitted, issues, facts)),
        calibration=tuple(_calibration(facts.agreement)) if facts.agreement else (),
    )


def _waiting(still: pa.Table, name: str, about: str, public: bool) -> Iterator[tuple[str, int, int, Findings]]:
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
            examples.append((row["chunk_id"], "", about_it))
        chunks = len(set(still["chunk_id"].take(positions).to_pylist()))
        words = f"{question}: {of}" if of and about != name else question
        yield words, len(positions), chunks, tuple(examples)


def _findings(issues: pa.Table, most: int) -> Findings:
    rows = rows_of(issues.slice(0, most), "chunk_id", "annotator", "message")
    return tuple((chunk or "", who or "", shortened(message, _MESSAGE)) for chunk, who, message in rows)


def _checks(
    issues: pa.Table, quality: Quality, public: bool
) -> list[tuple[str, str, int, int, int, tuple[str, Findings]]]:
    """Every check and everything that reading found odd, those with findings first, the most severe before others."""
    found = []
    for check in dict.fromkeys([*CHECKS, *issues["check"].to_pylist()]):
        of = issues.filter(pc.equal(issues["check"], check))
        severity = of["severity"][0].as_py() if of.num_rows else quality.severity.get(check, "off")
        known = load(CHECKS[check].function).__doc__ if check in CHECKS else "What reading the pull found odd."
        where, who = (pc.count_distinct(of[name]).as_py() for name in ("chunk_id", "annotator"))
        said = (known or "").split("\n")[0], _findings(of, 0 if public else _EXAMPLES)
        found.append((check, severity, of.num_rows, where, who, said))
    return sorted(found, key=lambda line: (not line[2], _SEVERITIES.index(line[1]), -line[2]))


def _habits(submitted: pa.Table, issues: pa.Table, facts: Facts) -> Iterator[tuple[Any, ...]]:
    chunks = Counter(who for who, _ in set(rows_of(submitted, "annotator", "chunk_id")))
    about = issues.filter(pc.is_in(issues["check"], pa.array(HABITS)))
    found = Counter(rows_of(about, "annotator", "check"))
    said = list(rows_of(about.filter(pc.is_null(about["annotation_id"])), "annotator", "check", "message"))
    known = facts.agreement.known_answers if facts.agreement else {}
    for who in sorted(chunks):
        few = chunks[who] < facts.quality.min_chunks
        nothing = "too few chunks to tell straight-lining and drift" if few else "nothing found"
        words = [f"{check}: {message}" for whose, check, message in said if whose == who] or [nothing]
        yield who, chunks[who], *(found[who, c] for c in HABITS), known[who].accuracy if who in known else None, words


def _calibration(report: AgreementReport) -> Iterator[tuple[str, str, int, float, float, float, float]]:
    parts = {name: of.parts for name, of in report.answers.items()} | {n: of.parts for n, of in report.spans.items()}
    for name, part in parts.items():
        for method, of in part.calibration.items():
            sure = of.released
            yield name, method, sure.votes, of.shares.brier, of.model.brier, sure.brier, sure.calibration_error
