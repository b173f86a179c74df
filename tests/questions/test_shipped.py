"""The schemes of conf/labels hold together and make an interface that Label Studio takes."""

from pathlib import Path

import pytest
from label_studio_sdk.label_interface import LabelInterface
from omegaconf import OmegaConf

from builder.composing import conf_folder
from builder.questions import plain, scheme_from
from builder.questions.interface import interface


@pytest.mark.parametrize("path", sorted((conf_folder() / "labels").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_scheme_makes_a_valid_interface(path: Path) -> None:
    scheme = scheme_from(OmegaConf.to_container(OmegaConf.load(path)))  # type: ignore[arg-type]
    LabelInterface(interface(scheme)).validate()
    for question in scheme.questions.values():
        if question.gives != "notes" and "labels" in question.vocabulary:
            assert all(label.description for label in question.names("labels").values())
    assert scheme.guidelines.strip()
    assert scheme_from(plain(scheme)) == scheme
