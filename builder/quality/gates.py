"""Gates: conditions that must hold before anything is exported, each with what was found."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from builder.quality.agreement import AgreementReport
from builder.quality.agreement.answers import AnswerMeasures
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

    def __post_init__(self) -> None:
        self.found = None if self.found is None else round(self.found, 6)


def check_gates(
    gates: Gates,
    agreement: AgreementReport,
    annotators_per_chunk: Mapping[str, int],
    skipped: Collection[str],
    overlap: int,
    submitted: int,
    quarantined: int,
    overlaps: Mapping[str, int],
) -> list[Verdict]:
    """One verdict per gate on what was annotated.

    `annotators_per_chunk` counts those whose labels count on each chunk that somebody submitted; `skipped` are chunks
    that somebody skipped, and `overlap` how many should annotate each, except the chunks in `overlaps`. `min_alpha_of`
    names a target, or a question about the whole chunk. An alpha that is undefined because everyone always chose the
    same label holds; one that was not measured (no chunk has two annotators) does not.
    """
    out: list[Verdict] = []
    short = [chunk for chunk, n in annotators_per_chunk.items() if n < overlaps.get(chunk, overlap)]
    of_chunks = f"of {len(annotators_per_chunk)} chunks have fewer than"
    missed = sum(chunk in skipped for chunk in short)
    planned = "annotators.overlaps asks for" if overlaps else f"{overlap} annotators (annotators.overlap)"
    below = f"{len(short)} {of_chunks} {planned}; {missed} of these were skipped"
    if (least := gates.min_annotators) is not None:
        few = sum(n < least for n in annotators_per_chunk.values())
        message = f"{few} {of_chunks} {least} annotators"
        # Where the gate asks for less than was planned, what is missing must not go unseen.
        message += (
            f"; {below}" if short and least < max([overlap, *overlaps.values()]) and gates.max_short is None else ""
        )
        fewest = min(annotators_per_chunk.values(), default=0)
        out.append(Verdict("min_annotators", "", fewest, least, not few, message))
    out += _at_most("max_short", len(short), len(annotators_per_chunk), gates.max_short, below)
    out += _alphas(gates, agreement)
    f1 = agreement.spans["entity"].overall.exact_f1 if "entity" in agreement.spans else None
    message = f"exact F1 of entity spans between annotators is {'not measured' if f1 is None else f'{f1:.3f}'}"
    out += _at_least("min_span_f1", "", f1, gates.min_span_f1, message)
    message = f"{quarantined} of {submitted} annotations are in quarantine"
    out += _at_most("max_quarantined", quarantined, submitted, gates.max_quarantined, message)
    for annotator, score in sorted(agreement.known_answers.items()):
        if score.accuracy is not None:
            message = f"{annotator} answered the gold questions with accuracy {score.accuracy:.3f}"
            out += _at_least("min_question_accuracy", annotator, score.accuracy, gates.min_question_accuracy, message)
    return out


def _alphas(gates: Gates, agreement: AgreementReport) -> list[Verdict]:
    measured: list[tuple[str, str, AnswerMeasures | None]] = [
        (target or question, f"{question} for {target}" if target else question, measures)
        for question, answers in agreement.answers.items()
        for target, measures in answers.targets.items()
    ]
    named = {about for about, _, _ in measured}
    measured += [(about, about, None) for about in gates.min_alpha_of if about not in named]
    out: list[Verdict] = []
    for about, words, found in sorted(measured, key=lambda m: m[:2]):
        needed = gates.min_alpha_of.get(about, gates.min_alpha)
        alpha = found.alpha if found else None
        if needed is not None and found and alpha is None and found.observed == 1:
            message = f"everyone always gave the same answer to {words}, so alpha is not defined"
            out.append(Verdict("min_alpha", about, None, needed, True, message))
        else:
            shown = "not measured: no chunk has two annotators" if alpha is None else f"{alpha:.3f}"
            out += _at_least("min_alpha", about, alpha, needed, f"alpha of {words} is {shown}")
    return out


def check_unresolved(gates: Gates, unresolved: int, decided: int) -> list[Verdict]:
    """The verdict on what adjudication left unresolved, among all gold labels except the rejected."""
    message = f"{unresolved} of {unresolved + decided} gold labels are unresolved"
    return _at_most("max_unresolved", unresolved, unresolved + decided, gates.max_unresolved, message)


def failed(verdicts: list[Verdict]) -> str:
    """What does not hold, in one sentence; empty when everything does."""
    return "; ".join(f"{v.message} ({v.gate} is {v.needed:g})" for v in verdicts if not v.holds)


def _at_least(gate: str, about: str, found: float | None, needed: float | None, message: str) -> list[Verdict]:
    holds = found is not None and needed is not None and found >= needed
    return [] if needed is None else [Verdict(gate, about, found, needed, holds, message)]


def _at_most(gate: str, part: int, whole: int, limit: float | None, message: str) -> list[Verdict]:
    share = part / whole if whole else 0.0
    return [] if limit is None else [Verdict(gate, "", share, limit, share <= limit, message)]
