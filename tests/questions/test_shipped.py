"""The schemes of conf/labels hold together and make an interface that Label Studio takes."""

import pytest
from label_studio_sdk.label_interface import LabelInterface
from omegaconf import OmegaConf

from builder.config import conf_folder
from builder.questions.interface import interface
from builder.scheme import Scheme


@pytest.mark.parametrize("path", sorted((conf_folder() / "labels").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_scheme_makes_a_valid_interface(path: object) -> None:
    scheme = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Scheme), OmegaConf.load(str(path))))
    assert isinstance(scheme, Scheme)
    LabelInterface(interface(scheme)).validate()
    assert all(label.description for label in (*scheme.entities.values(), *scheme.stance.values()))
    assert scheme.guidelines.strip()
