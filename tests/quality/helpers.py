"""What the tests of this room share: questions about whole chunks, and checks run over a crowd."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from builder.quality.checks.inputs import CheckInputs, run_checks
from builder.quality.settings import Quality
from tests.samples import Crowd, scheme

#: Both targets of the sample scheme, answered.
BOTH = {"japan": "favor", "ukraine": "none"}


@dataclass
class Asked:
    """A question of any kind: what this room reads of `builder.scheme.Question`."""

    name: str
    labels: dict[str, Any]
    targets: dict[str, Any] = field(default_factory=dict)
    mode: str = ""
    absent: str = ""
    order: Sequence[str] = ()
    many: bool = False
    required: bool = True
    nesting: bool = True
    overlap: bool = True
    gives: str = "answers"
    kind: str = "choice"
    span_kind: str = ""

    def asked(self, targets: list[str] | None) -> list[str] | None:
        if self.mode == "mention":
            return None
        return list(targets or ()) if self.mode == "article" else list(self.targets) or [""]

    def title(self, target: str) -> str:
        return target.title()

    def label_title(self, label: str) -> str:
        return label.title()


def topic(*labels: str) -> Asked:
    """One answer about the whole chunk."""
    return Asked("topic", dict.fromkeys(labels or ("war", "trade")))


def frames(*options: str) -> Asked:
    """Several answers about the whole chunk."""
    return Asked(
        "frames", {"yes": None, "no": None}, dict.fromkeys(options or ("money", "risk")), absent="no", many=True
    )


def asking(*more: Asked, **changes: Any) -> Any:
    """The sample scheme with more questions; `changes` go to the sample scheme."""
    made = scheme(**changes)
    questions = {**made.questions, **{q.name: q for q in more}}
    return SimpleNamespace(name=made.name, version=made.version, migrations=made.migrations, questions=questions)


def checked(
    crowd: Crowd, made: Any = None, quality: Quality | None = None, **known: Any
) -> tuple[list[dict[str, Any]], pa.Table]:
    """Findings of all checks, and the annotations with quarantine."""
    tables = (crowd.annotations, crowd.spans, crowd.answers, crowd.windows)
    issues, annotations = run_checks(CheckInputs(*tables, made or scheme(), quality or Quality(), **known))
    rows: list[dict[str, Any]] = issues.to_pylist()
    return rows, annotations


def messages(crowd: Crowd, check: str, made: Any = None, quality: Quality | None = None, **known: Any) -> list[str]:
    """What one check says."""
    return [row["message"] for row in checked(crowd, made, quality, **known)[0] if row["check"] == check]


def alter(crowd: Crowd, table: str, row: int, **columns: Any) -> Crowd:
    """The crowd with other values in a row of one of its tables."""
    crowd._rows[table][row].update(columns)
    return crowd


def again(crowd: Crowd, table: str, row: int, **columns: Any) -> Crowd:
    """The crowd with a copy of a row, with other values."""
    crowd._rows[table].append({**crowd._rows[table][row], **columns})
    return crowd


def answered(crowd: Crowd, given: Mapping[str, Iterable[str]], target: str = "japan") -> Crowd:
    """The crowd after each annotator answered chunk after chunk about one target; "-" skips a chunk."""
    for name, labels in given.items():
        for n, label in enumerate(labels):
            if label != "-":
                crowd.add(f"c{n:02}", name, stances={target: label})
    return crowd
