"""Gates: what must hold before anything is exported, each with what was found and whether it holds."""

from collections.abc import Mapping
from typing import Any

from builder.quality.settings import Gates

Verdict = dict[str, Any]


def check_gates(
    gates: Gates,
    *,
    annotators_per_chunk: Mapping[str, int],
    submitted: int,
    quarantined: int,
    agreement: Mapping[str, Any],
    questions: Mapping[str, Mapping[str, Any]],
) -> list[Verdict]:
    """The verdicts on what was annotated: `{"gate", "about", "found", "needed", "holds", "message"}` each.

    `annotators_per_chunk` counts those whose labels count on each chunk that somebody submitted. An alpha that is not
    defined because everyone always chose the same label holds; one that nobody measured (no chunk with two annotators)
    does not.
    """
    out: list[Verdict] = []
    if gates.min_annotators is not None:
        few = [chunk for chunk, n in annotators_per_chunk.items() if n < gates.min_annotators]
        least = min(annotators_per_chunk.values(), default=0)
        message = f"{len(few)} of {len(annotators_per_chunk)} chunks have fewer than {gates.min_annotators} annotators"
        out.append(_verdict("min_annotators", "", least, gates.min_annotators, not few, message))
    stance = agreement.get("stance", {}).get("targets", {})
    for target in sorted({*stance, *gates.min_alpha_of}):
        needed = gates.min_alpha_of.get(target, gates.min_alpha)
        if needed is None:
            continue
        found = stance.get(target, {})
        alpha = found.get("alpha")
        if alpha is None and found.get("observed") == 1:
            message = f"everyone always chose the same stance toward {target}, so alpha is not defined"
            out.append(_verdict("min_alpha", target, None, needed, True, message))
        else:
            shown = "not measured: no chunk has two annotators" if alpha is None else f"{alpha:.3f}"
            message = f"alpha of the stance toward {target} is {shown}"
            out.append(_verdict("min_alpha", target, alpha, needed, alpha is not None and alpha >= needed, message))
    if gates.min_span_f1 is not None:
        f1 = agreement.get("spans", {}).get("entity", {}).get("overall", {}).get("exact_f1")
        shown = "not measured" if f1 is None else f"{f1:.3f}"
        message = f"exact F1 of entity spans between annotators is {shown}"
        out.append(
            _verdict("min_span_f1", "", f1, gates.min_span_f1, f1 is not None and f1 >= gates.min_span_f1, message)
        )
    if gates.max_quarantined is not None:
        share = quarantined / submitted if submitted else 0.0
        message = f"{quarantined} of {submitted} annotations are in quarantine"
        holds = share <= gates.max_quarantined
        out.append(_verdict("max_quarantined", "", share, gates.max_quarantined, holds, message))
    if gates.min_question_accuracy is not None:
        for annotator, result in sorted(questions.items()):
            found_accuracy = result["accuracy"]
            if found_accuracy is not None:
                holds = found_accuracy >= gates.min_question_accuracy
                message = f"{annotator} answered the gold questions with accuracy {found_accuracy:.3f}"
                needed_accuracy = gates.min_question_accuracy
                out.append(
                    _verdict("min_question_accuracy", annotator, found_accuracy, needed_accuracy, holds, message)
                )
    return out


def check_unresolved(gates: Gates, unresolved: int, decided: int) -> list[Verdict]:
    """The verdict on what adjudication left unresolved, among all gold labels but the rejected."""
    if gates.max_unresolved is None:
        return []
    total = unresolved + decided
    share = unresolved / total if total else 0.0
    message = f"{unresolved} of {total} gold labels are unresolved"
    return [_verdict("max_unresolved", "", share, gates.max_unresolved, share <= gates.max_unresolved, message)]


def failed(verdicts: list[Verdict]) -> str:
    """What does not hold, in one sentence; empty when everything does."""
    return "; ".join(f"{v['message']} ({v['gate']} is {v['needed']:g})" for v in verdicts if not v["holds"])


def _verdict(gate: str, about: str, found: float | None, needed: float, holds: bool, message: str) -> Verdict:
    rounded = None if found is None else round(found, 6)
    return {"gate": gate, "about": about, "found": rounded, "needed": needed, "holds": holds, "message": message}
