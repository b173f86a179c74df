"""Features of columns: what every format of `datasets` takes, and what the card says about them."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from builder.release.configuration import (
    FLAG,
    INT,
    NUMBER,
    STRING,
    arrow_type,
    class_label,
    label_names,
    sequence,
    value,
)
from builder.release.configurations import declare
from builder.release.settings import Export
from tests.release.configurations.test_answers import FRAMES, TOPIC, asking
from tests.samples import scheme


def leaves(kind: pa.DataType) -> Iterator[pa.DataType]:
    if pa.types.is_list(kind):
        yield from leaves(kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from leaves(field.type)
    else:
        yield kind


@pytest.mark.parametrize("mode", ["fixed", "mention"])
def test_every_configuration_has_only_types_that_torch_takes(mode: str) -> None:
    """`with_format("torch")` fails on timestamps and dates."""
    asked = asking(TOPIC, FRAMES) if mode == "fixed" else scheme(mode=mode)
    declared = declare(asked, Export(tokenizer="tokenizer.json", soft_tags=True), {})
    assert {"entities", "stance", "stance_unresolved", "evidence", "annotations"} <= set(declared)
    plain = {pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()}
    for name, found in declared.items():
        assert {kind for field in found.schema for kind in leaves(field.type)} <= plain, name


def test_the_type_of_each_feature() -> None:
    features = {"a": STRING, "b": [{"c": INT, "d": NUMBER}], "e": sequence(class_label(["x"])), "f": {"g": FLAG}}
    assert [str(arrow_type(feature)) for feature in features.values()] == [
        "string", "list<item: struct<c: int32, d: double>>", "list<item: int64>", "struct<g: bool>",
    ]  # fmt: skip
    assert label_names({**features, "h": class_label(["y", "z"]), "i": value("int64")}) == {"e": ["x"], "h": ["y", "z"]}
