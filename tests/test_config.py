"""Every YAML under conf/ composes into the typed configuration, and nonsense is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from builder.config import Config, conf_folder, suggest
from builder.errors import ConfigError
from tests.composing import composed

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {folder.name: sorted(f.stem for f in folder.glob("*.yaml")) for folder in sorted(conf_folder().glob("*/"))}


@pytest.mark.parametrize("number", range(max(map(len, GROUPS.values()))))
def test_every_choice_composes(number: int) -> None:
    """Choice `number` of every group at once, the last one of those that have fewer."""
    picked = {group: names[min(number, len(names) - 1)] for group, names in GROUPS.items()}
    # An experiment picks from the other groups, so it is composed with their defaults.
    experiment = picked.pop("experiment")
    assert isinstance(composed(*(f"{group}={name}" for group, name in picked.items())), Config)
    assert isinstance(composed(f"experiment={experiment}"), Config)


def _default_groups() -> set[str]:
    defaults = OmegaConf.load(conf_folder() / "config.yaml").defaults
    return {str(key) for entry in defaults if not isinstance(entry, str) for key in entry}


@pytest.mark.parametrize("path", sorted(conf_folder().rglob("*.yaml")), ids=lambda p: str(p.relative_to(conf_folder())))
def test_every_file_begins_with_a_comment(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_every_group_is_reachable_from_the_defaults() -> None:
    assert set(GROUPS) <= _default_groups()


def test_demo_is_the_recorded_sample() -> None:
    config = composed("experiment=demo")
    assert config.annotators.kind == "recorded"
    assert config.release_folder == Path("exports/news-stance")


def test_label_order_is_that_of_the_file() -> None:
    questions = composed().labels.questions
    assert list(questions) == ["entities", "stance", "evidence", "problems", "comment"]
    assert list(questions["entities"].labels) == ["PERSON", "ORG", "GPE", "WEAPON", "EVENT"]
    assert list(questions["stance"].labels) == ["favor", "against", "neutral", "none"]
    assert len(questions["stance"].targets) == 4


def test_a_question_is_changed_and_left_out_by_overrides() -> None:
    questions = composed("labels.questions.entities.nesting=false", "~labels.questions.evidence").labels.questions
    assert (questions["entities"].nesting, list(questions)) == (False, ["entities", "stance", "problems", "comment"])
    for given, key in (("nesting=7", "nesting"), ("labels.GPE.hotkey=u", "labels.GPE.hotkey")):
        with pytest.raises(ConfigError, match=rf"labels\.questions\.entities\.{key}: "):
            composed(f"labels.questions.entities.{given}")


@pytest.mark.parametrize("twice", ["PERSON: {}\n      PERSON: {}", "PERSON: {}\n      person: {}"])
def test_a_label_that_stands_twice_is_refused(twice: str, tmp_path: Path) -> None:
    """YAML itself would keep the last of two equal keys; both ways of doubling a label end in one clear line."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "doubled.yaml").write_text(f"questions:\n  entities:\n    labels:\n      {twice}\n")
    done = subprocess.run(
        [sys.executable, "-m", "builder.cli", "prepare", "--config-dir", str(tmp_path), "labels=doubled"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "PERSON" in done.stderr or "person" in done.stderr


@pytest.mark.parametrize("name", ["../up", "Upper", "", "a/b"])
def test_dataset_names_that_are_no_folder_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.name"):
        composed(f"dataset.name='{name}'")


def test_misspelt_keys_get_a_suggestion() -> None:
    assert suggest("chunkin.max_tokens", {"chunking": {"max_tokens": 1}, "paths": {"raw": ""}})[0] == (
        "chunking.max_tokens"
    )
