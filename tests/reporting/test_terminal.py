"""What the terminal shows of agreement: a row per thing measured, numbers at the right, unknown ones left empty."""

import io
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from builder.reporting.terminal import Shown, agreement_shown, table_of


def shown(parts: Shown) -> list[str]:
    """The lines on a wide terminal, without blanks at their ends and empty lines."""
    console = Console(file=io.StringIO(), width=200, markup=False)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return [line.rstrip() for line in lines if line.strip()]


def measured(**more: Any) -> Any:
    names = ("items", "observed", "cohen", "fleiss", "alpha", "alpha_interval")
    of_spans = ("compared", "exact_f1", "partial_f1", "token_alpha")
    return SimpleNamespace(**{**dict.fromkeys((*names, *of_spans)), **more})


def parts(calibration: Any = None, annotators: Any = None) -> Any:
    return SimpleNamespace(calibration=calibration or {}, annotators=annotators or {})


def report(**more: Any) -> Any:
    return SimpleNamespace(**{"answers": {}, "spans": {}, "annotators": {}, "known_answers": {}, **more})


def annotator(**more: Any) -> Any:
    usual = {"labelled": 3, "empty": 1, "skipped": 0, "quarantined": 0, "coverage": None, "seconds": None}
    return SimpleNamespace(**{**usual, "answers": {}, "span_f1": None, **more})


def test_numbers_are_at_the_right_of_their_columns() -> None:
    found = shown(iter([table_of("Counts", ("what", ">how many", "why"), [("files", 1, "read"), ("x", 20_000, None)])]))
    assert found == [
        "Counts",
        " what   how many  why",
        " ─────────────────────",
        " files         1  read",
        " x         20000  None",
    ]


def test_agreement_calibration_and_annotators_are_tables_of_what_is_known() -> None:
    whole = measured(items=12, observed=0.75, cohen=0.5, fleiss=0.25, alpha=0.6667, alpha_interval=(0.5, 0.875))
    frames = {"money": measured(items=5, observed=1.0), "risk": measured(items=7, alpha=-0.1)}
    sure = SimpleNamespace(votes=40, cross_entropy=0.25, brier=0.5, calibration_error=0.125)
    of = SimpleNamespace(
        shares=SimpleNamespace(cross_entropy=1.0), model=SimpleNamespace(cross_entropy=0.5), released=sure
    )
    words = {"ben": SimpleNamespace(words="says none for favor in 50% of 20")}
    answers = {
        "stance": SimpleNamespace(targets={"": whole}, overall=measured(items=99), parts=parts({"mace": of}, words)),
        "frames": SimpleNamespace(targets=frames, overall=measured(items=12, alpha=0.25), parts=parts()),
    }
    labels = {"GPE": measured(compared=3, exact_f1=1.0, partial_f1=1.0, token_alpha=0.9), "ORG": measured(compared=0)}
    spans = {
        "entity": SimpleNamespace(
            labels=labels, overall=measured(compared=3, exact_f1=0.5), parts=parts({"majority": of})
        ),
        "evidence": SimpleNamespace(
            labels={"EVIDENCE": measured(compared=1)}, overall=measured(compared=8), parts=parts({}, words)
        ),
    }
    agree = {"stance": SimpleNamespace(agreement=0.8), "frames": SimpleNamespace(agreement=None)}
    people = {
        "ada": annotator(answers=agree, coverage=0.5, seconds=(10.0, 20.0, 30.0), span_f1=0.75),
        "ben": annotator(answers=agree, skipped=2, quarantined=1),
    }
    known = {"ada": SimpleNamespace(accuracy=0.9)}
    found = shown(agreement_shown(report(answers=answers, spans=spans, annotators=people, known_answers=known)))
    assert found == [
        "Agreement on stance",
        "         items  observed  cohen  fleiss  alpha  alpha interval",
        " ─────────────────────────────────────────────────────────────",
        " stance     12     0.750  0.500   0.250  0.667  0.500 to 0.875",
        "Agreement on frames",
        "              items  observed  cohen  fleiss   alpha  alpha interval",
        " ───────────────────────────────────────────────────────────────────",
        " money            5     1.000",
        " risk             7                           -0.100",
        " all targets     12                            0.250",
        "Span agreement",
        "                compared  exact f1  partial f1  token alpha",
        " ──────────────────────────────────────────────────────────",
        " GPE                   3     1.000       1.000        0.900",
        " ORG                   0",
        " all of entity         3     0.500",
        " EVIDENCE              1",
        "Cross-entropy of held-out votes",
        " question  method    votes  shares  model  released  Brier  calibration error",
        " ────────────────────────────────────────────────────────────────────────────",
        " stance    mace         40   1.000  0.500     0.250  0.500              0.125",
        " entity    majority     40   1.000  0.500     0.250  0.500              0.125",
        "Annotators",
        " annotator  done  empty  skip  quar.  cover    sec  stance  frames    F1  gold q.",
        " ────────────────────────────────────────────────────────────────────────────────",
        " ada           3      1     0      0   0.50  20.00    0.80          0.75     0.90",
        " ben           3      1     2      1                  0.80",
        "sec: median time; stance, frames, F1: agreement with the others; gold q.: accuracy on gold questions",
        "ben on stance: says none for favor in 50% of 20.",
        "ben on evidence: says none for favor in 50% of 20.",
    ]


def test_where_nothing_was_asked_there_are_annotators_alone() -> None:
    assert shown(agreement_shown(report())) == [
        "Annotators",
        " annotator  done  empty  skip  quar.  cover  sec  F1  gold q.",
        " ────────────────────────────────────────────────────────────",
        "sec: median time; F1: agreement with the others; gold q.: accuracy on gold questions",
    ]
