"""All checks run: one list of findings, and which annotations they put into quarantine."""

import numpy as np
import pyarrow as pa

from builder.quality.checks import CHECKS
from builder.quality.checks.inputs import CheckInputs, booleans
from builder.quality.registry import load
from builder.tables import ISSUES, build


def run_checks(inputs: CheckInputs) -> tuple[pa.Table, pa.Table]:
    """ISSUES of all checks, and ANNOTATIONS in which those with an error are quarantined.

    An error about an annotator quarantines everything that annotator did. Issues are in the order of the list of
    checks, then of the annotations. A check with severity "off" does not run.
    """
    columns = ("annotation_id", "chunk_id", "task_id", "annotator")
    known = list(zip(*(inputs.annotations[c].to_pylist() for c in columns), strict=True))
    names = np.array(inputs.annotations["annotator"].to_pylist(), dtype=object)
    quarantined = booleans(inputs.annotations["quarantined"]).copy()
    rows: list[dict[str, object]] = []
    for code, check in CHECKS.items():
        severity = inputs.settings.severity.get(code, "off")
        if severity == "off":
            continue
        for annotation, path, message, annotator in load(f"checks.{check.function}")(inputs):
            who = (None, None, None, annotator) if annotation is None else known[annotation]
            found = {"check": code, "severity": severity, "path": path, "message": message, "repair": None}
            rows.append({**dict(zip(columns, who, strict=True)), **found})
            if severity == "error":
                quarantined[names == annotator if annotation is None else annotation] = True
    at = inputs.annotations.schema.get_field_index("quarantined")
    return build(rows, ISSUES), inputs.annotations.set_column(at, "quarantined", pa.array(quarantined))
