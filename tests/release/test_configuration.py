"""Features of columns: what every format of `datasets` takes, and what the card says about them."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from builder import compose
from builder.errors import ConfigError
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
from builder.release.settings import Export, name_faults
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


def test_questions_that_would_share_a_folder_of_a_release_are_refused() -> None:
    names = ["stance", "topic", "Annotations", "provenance", "jsonl", "topic_unresolved", "other_unresolved"]
    found = list(name_faults(names))
    assert [fault.key.rpartition(".")[2] for fault in found] == [
        "Annotations", "provenance", "jsonl", "topic_unresolved"
    ]  # fmt: skip
    assert found[0].problem == "a release has another folder of this name."
    topic = "{kind: choice, labels: {a: A, b: B}}"
    with pytest.raises(ConfigError, match=r"labels.questions.jsonl: a release has another folder"):
        compose(f"labels.questions.jsonl={topic}")
