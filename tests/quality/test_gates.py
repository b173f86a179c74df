"""Gates: each holds just at its threshold and fails just beyond, and says what it found."""

import io
from pathlib import Path
from typing import Any

import pytest
from builder.quality.examine import examine
from rich.console import Console

from builder.errors import GateError
from builder.quality.gates import check_unresolved, failed
from builder.quality.settings import Gates, Quality

QUIET = Console(file=io.StringIO())


def verdict(crowd: Any, scheme: Any, **gates: Any) -> dict[str, Any]:
    off = {"min_annotators": None, "max_quarantined": None}
    used = Quality(bootstrap=0, gates=Gates(**{**off, **gates}))
    found = examine(crowd.annotations, crowd.spans, crowd.stances, crowd.windows, scheme(), used)
    return {f"{v['gate']} {v['about']}".strip(): v["holds"] for v in found.gates}


def test_no_gates_no_verdicts(crowd: Any, scheme: Any) -> None:
    assert verdict(crowd, scheme) == {}


@pytest.mark.parametrize(("needed", "holds"), [(1, True), (2, False)])
def test_annotators_a_chunk(crowd: Any, scheme: Any, needed: int, holds: bool) -> None:
    crowd.add("c", "ada").add("c", "ben").add("d", "ada").add("d", "ben", state="skipped")
    assert verdict(crowd, scheme, min_annotators=needed) == {"min_annotators": holds}


def test_a_chunk_whose_annotations_are_all_in_quarantine_has_nobody(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", quarantined=True)
    assert verdict(crowd, scheme, min_annotators=1) == {"min_annotators": False}


def test_alpha_of_a_target(crowd: Any, scheme: Any) -> None:
    for n, (first, second) in enumerate([("favor", "favor"), ("none", "none"), ("favor", "none"), ("none", "none")]):
        crowd.add(f"c{n}", "ada", stances={"japan": first, "ukraine": "none"})
        crowd.add(f"c{n}", "ben", stances={"japan": second, "ukraine": "none"})
    # Japan: 1 - 7 * 2 / (64 - (3*3 + 5*5)) = .533; for Ukraine everyone always chose "none".
    assert verdict(crowd, scheme, min_alpha=0.533) == {"min_alpha japan": True, "min_alpha ukraine": True}
    assert verdict(crowd, scheme, min_alpha=0.534)["min_alpha japan"] is False
    assert verdict(crowd, scheme, min_alpha_of={"japan": 0.6}) == {"min_alpha japan": False}


def test_alpha_that_nobody_measured_does_not_hold(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", stances={"japan": "favor"})
    assert verdict(crowd, scheme, min_alpha=0.1) == {"min_alpha japan": False}
    assert verdict(crowd, scheme, min_alpha_of={"mars": 0.1}) == {"min_alpha mars": False}


@pytest.mark.parametrize(("limit", "holds"), [(0.5, True), (0.49, False)])
def test_share_in_quarantine(crowd: Any, scheme: Any, limit: float, holds: bool) -> None:
    crowd.add("c", "ada", quarantined=True).add("c", "ben").add("c", "eve", state="skipped")
    assert verdict(crowd, scheme, max_quarantined=limit) == {"max_quarantined": holds}


def test_span_f1(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", [(0, 5, "GPE")]).add("c", "ben", [(0, 5, "GPE"), (60, 67, "GPE")])
    assert verdict(crowd, scheme, min_span_f1=0.66) == {"min_span_f1": True}
    assert verdict(crowd, scheme, min_span_f1=0.67) == {"min_span_f1": False}


def test_unresolved_labels() -> None:
    assert check_unresolved(Gates(), 5, 5) == []
    assert [v["holds"] for v in check_unresolved(Gates(max_unresolved=0.5), 5, 5)] == [True]
    assert failed(check_unresolved(Gates(max_unresolved=0.4), 5, 5)) == (
        "5 of 10 gold labels are unresolved (max_unresolved is 0.4)"
    )


def test_validate_fails_after_it_has_written_what_it_found(config: Any) -> None:
    from builder.commands.validate import validate

    config.quality.gates.min_alpha = 0.9
    for _ in range(2):
        with pytest.raises(GateError, match=r"alpha of the stance toward ukraine is 0\.000 \(min_alpha is 0\.9\)"):
            validate(config, QUIET)
        assert config.stage("validate").table("annotations").exists()
    assert Path(config.stage("validate").folder / "agreement.json").exists()
    assert validate(config, QUIET, gate=False)["gates"]
