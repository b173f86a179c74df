"""Gates: conditions that must hold before anything is exported, each with what was found."""

from collections.abc import Mapping
from dataclasses import dataclass

from builder.quality.agreement.report import AgreementReport, AnswerMeasures
from builder.quality.settings import Gates


@dataclass
class Verdict:
    """Whether one gate holds. `about` is the target or annotator it is about; "" for the whole dataset."""

    gate: str
    about: str
    found: float | None
    needed: float
    holds: bool
    message: str


def check_gates(
    gates: Gates,
    agreement: AgreementReport,
    *,
    annotators_per_chunk: Mapping[str, int],
    submitted: int,
    quarantined: int,
) -> list[Verdict]:
    """One verdict per gate on what was annotated.

    `annotators_per_chunk` counts those whose labels count on each chunk that somebody submitted. `min_alpha_of` names a
    target, or a question about the whole chunk. An alpha that is undefined because everyone always chose the same label
    holds; one that was not measured (no chunk has two annotators) does not.
    """
    out: list[Verdict] = []
    if gates.min_annotators is not None:
        few = [chunk for chunk, n in annotators_per_chunk.items() if n < gates.min_annotators]
        least = min(annotators_per_chunk.values(), default=0)
        message = f"{len(few)} of {len(annotators_per_chunk)} chunks have fewer than {gates.min_annotators} annotators"
        out.append(_verdict("min_annotators", "", least, gates.min_annotators, not few, message))
    out += _alphas(gates, agreement)
    if gates.min_span_f1 is not None:
        entities = agreement.spans.get("entity")
        f1 = entities.overall.exact_f1 if entities else None
        message = f"exact F1 of entity spans between annotators is {_shown(f1)}"
        out.append(_at_least("min_span_f1", "", f1, gates.min_span_f1, message))
    if gates.max_quarantined is not None:
        message = f"{quarantined} of {submitted} annotations are in quarantine"
        out.append(_at_most("max_quarantined", quarantined, submitted, gates.max_quarantined, message))
    if gates.min_question_accuracy is not None:
        for annotator, accuracy in sorted(agreement.accuracy().items()):
            message = f"{annotator} answered the gold questions with accuracy {accuracy:.3f}"
            out.append(_at_least("min_question_accuracy", annotator, accuracy, gates.min_question_accuracy, message))
    return out


def _alphas(gates: Gates, agreement: AgreementReport) -> list[Verdict]:
    measured: list[tuple[str, str, AnswerMeasures | None]] = []
    for question, answers in agreement.answers.items():
        for target, measures in answers.targets.items():
            words = f"{question} for {target}" if target else question
            measured.append((target or question, words, measures))
    named = {about for about, _, _ in measured}
    measured += [(about, about, None) for about in gates.min_alpha_of if about not in named]
    out: list[Verdict] = []
    for about, words, found in sorted(measured, key=lambda m: m[:2]):
        needed = gates.min_alpha_of.get(about, gates.min_alpha)
        if needed is None:
            continue
        alpha = found.alpha if found else None
        if found and alpha is None and found.observed == 1:
            message = f"everyone always gave the same answer to {words}, so alpha is not defined"
            out.append(_verdict("min_alpha", about, None, needed, True, message))
        else:
            shown = "not measured: no chunk has two annotators" if alpha is None else _shown(alpha)
            out.append(_at_least("min_alpha", about, alpha, needed, f"alpha of {words} is {shown}"))
    return out


def check_unresolved(gates: Gates, unresolved: int, decided: int) -> list[Verdict]:
    """The verdict on what adjudication left unresolved, among all gold labels except the rejected."""
    if gates.max_unresolved is None:
        return []
    total = unresolved + decided
    message = f"{unresolved} of {total} gold labels are unresolved"
    return [_at_most("max_unresolved", unresolved, total, gates.max_unresolved, message)]


def failed(verdicts: list[Verdict]) -> str:
    """What does not hold, in one sentence; empty when everything does."""
    return "; ".join(f"{v.message} ({v.gate} is {v.needed:g})" for v in verdicts if not v.holds)


def _at_least(gate: str, about: str, found: float | None, needed: float, message: str) -> Verdict:
    return _verdict(gate, about, found, needed, found is not None and found >= needed, message)


def _at_most(gate: str, part: int, whole: int, limit: float, message: str) -> Verdict:
    share = part / whole if whole else 0.0
    return _verdict(gate, "", share, limit, share <= limit, message)


def _verdict(gate: str, about: str, found: float | None, needed: float, holds: bool, message: str) -> Verdict:
    return Verdict(gate, about, None if found is None else round(found, 6), needed, holds, message)


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"
