"""Reviews name the annotations they were made from."""

from collections.abc import Mapping

import pyarrow as pa


def with_parents(annotations: pa.Table, parents: Mapping[int, list[str]]) -> pa.Table:
    """ANNOTATIONS in which those on review tasks have the annotations shown there as `parent_id`, one blank between.

    `parents` leads from the id of a review task to the annotations it shows. Drafts keep the parent they have.
    """
    columns = (annotations[c].to_pylist() for c in ("task_id", "state", "parent_id"))
    made_from = [
        " ".join(parents[task]) if task in parents and state != "draft" else parent
        for task, state, parent in zip(*columns, strict=True)
    ]
    at = annotations.schema.get_field_index("parent_id")
    return annotations.set_column(at, "parent_id", pa.array(made_from, pa.string()))
