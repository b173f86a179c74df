"""Everything under conf/ composes, overrides reach their settings, and every fault is reported at once."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_origin

import hydra
import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from builder.composing import compose, conf_folder, spelled
from builder.config import Composed, Config, suggest
from builder.errors import ConfigError
from builder.settings import declared, leaves
from tests.composing import composed
from tests.test_cli import Typed, typed

__all__ = ["typed"]

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(conf_folder().rglob("*.yaml"))
CHOICES = sorted(path.relative_to(conf_folder()).with_suffix("") for path in conf_folder().glob("*/*.yaml"))
DEFAULTS = {
    group: choice
    for entry in OmegaConf.load(conf_folder() / "config.yaml").defaults
    if not isinstance(entry, str)
    for group, choice in entry.items()
    if not group.startswith("override ")
}
#: The setting by which a choice of the group is chosen; its file may say it although it is the default.
CHOOSING = {"url", "method", "policy", "kind"}
LEAVES = leaves(Composed)
EXAMPLES = {key: hint.example for key, hint in LEAVES.items() if hint.example}


def refused(*overrides: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        compose(*overrides)
    return caught.value


def keys(*overrides: str) -> list[str]:
    return [key for key, *_ in refused(*overrides).faults]


@pytest.mark.parametrize("number", range(max(Counter(choice.parts[0] for choice in CHOICES).values())))
def test_every_choice_composes(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first choice of every group together, then the second, ...; composing them one by one takes long."""
    monkeypatch.setenv("LABEL_STUDIO_URL", "https://labels.example.org")
    of_group = {group: [choice.name for choice in CHOICES if choice.parts[0] == group] for group in DEFAULTS}
    chosen = {group: names[number % len(names)] for group, names in of_group.items() if group != "experiment"}
    # Not every scheme has the label that the gazetteer gives without a file.
    config = compose(*(f"{group}={name}" for group, name in chosen.items()), "suggestions.file=names.csv")
    for group in ("chunking", "selection", "aggregation", "suggestions"):
        assert getattr(config, group).method == chosen[group]
    assert config.dedup.policy == chosen["dedup"]
    assert (config.label_studio.url == "") == (chosen["label_studio"] == "embedded")


@pytest.mark.parametrize(
    ("group", "name"),
    [("dedup", "policy"), ("annotators", "kind"), ("engine", "kind")]
    + [(group, "method") for group in ("chunking", "selection", "suggestions", "aggregation", "split")],
)
def test_every_choice_of_a_group_has_a_file(group: str, name: str) -> None:
    """The page about the configuration describes a method by the comment of its file."""
    hint = declared(Composed, f"{group}.{name}")[-1]
    given = [yaml.safe_load(path.read_text(encoding="utf-8")) or {} for path in conf_folder().glob(f"{group}/*.yaml")]
    assert sorted(each.get(name, getattr(getattr(Config(), group), name)) for each in given) == sorted(hint.choices)


def test_every_group_is_reachable_from_the_defaults() -> None:
    assert {choice.parts[0] for choice in CHOICES} == set(DEFAULTS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(conf_folder())))
def test_every_file_begins_with_a_comment(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(conf_folder())))
def test_no_file_repeats_a_default(path: Path) -> None:
    group = path.relative_to(conf_folder()).parts[0]
    if group in ("config.yaml", "labels"):
        return

    def walk(given: dict[str, Any], default: Any) -> None:
        for name, value in given.items():
            known = default[name] if isinstance(default, dict) else getattr(default, name)
            if isinstance(value, dict) and (is_dataclass(known) or name in known):
                walk(value, known)
            else:
                assert value != known or name in CHOOSING, f"{name} is {value!r} by default"

    given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    given.pop("defaults", None)
    walk(given, Config() if group == "experiment" else getattr(Config(), group))


def test_without_overrides_every_setting_has_the_default_of_its_class_or_choice() -> None:
    config, plain = composed(), Config()
    for group in fields(Config):
        if group.name not in ("labels", "source"):
            assert getattr(config, group.name) == getattr(plain, group.name)
    assert config.source.exclude == ["annotations/**"]


def test_the_demo_is_the_recorded_sample() -> None:
    config = compose("experiment=demo", "paths.workspace=w")
    assert (config.annotators.kind, config.annotators.recorded) == ("recorded", "raw/annotations")
    assert config.release_folder == Path("exports/news-stance")
    assert (config.raw, config.workspace, config.dataset_folder) == (Path("raw"), Path("w"), Path("w/news-stance"))
    assert config.split.seed == 5


def test_label_order_is_that_of_the_file() -> None:
    questions = composed().labels.questions
    assert list(questions["entities"].labels) == ["PERSON", "ORG", "GPE", "WEAPON", "EVENT"]
    assert list(questions["stance"].labels) == ["favor", "against", "neutral", "none"]
    assert len(questions["stance"].targets) == 4


def test_a_question_is_changed_and_left_out_by_overrides() -> None:
    questions = compose("labels.questions.entities.nesting=false", "~labels.questions.evidence").labels.questions
    assert (questions["entities"].nesting, list(questions)) == (False, ["entities", "stance", "problems", "comment"])


TWICE = "name: doubled\nquestions:\n  entities:\n    labels:\n      {}\n"


@pytest.mark.parametrize("twice", ["PERSON: {}\n      PERSON: {}", "PERSON: {}\n      person: {}"])
def test_a_label_that_is_there_twice_is_refused(twice: str, typed: Typed) -> None:
    """YAML itself would keep the last of two equal keys; both ways of doubling a label end in one clear line."""
    (line,) = said_about(typed, "labels", "doubled", TWICE.format(twice), "labels=doubled")
    assert "PERSON" in line or "person" in line


def said_about(typed: Typed, group: str, name: str, text: str, *overrides: str) -> list[str]:
    """What `builder status` says that fails with a folder of groups that has this one file."""
    Path(group).mkdir()
    Path(group, f"{name}.yaml").write_text(text, encoding="utf-8")
    code, out, err = typed("status", "--config-dir", str(Path.cwd()), *overrides)
    assert (code, out) == (1, "")
    return err.strip().splitlines()


def test_faults_in_a_file_of_ones_own_are_all_reported(typed: Typed) -> None:
    text = "method: sentences\nmax_tokens: many\nmin_fill: 2\nsize: 3\n"
    first, *rest = said_about(typed, "chunking", "mine", text, "chunking=mine", "split.near=0")
    assert first == "builder: 4 settings cannot be used."
    assert [line.split()[0] for line in rest] == [
        "chunking.max_tokens:",
        "chunking.min_fill:",
        "chunking.size:",
        "split.near:",
    ]


def test_a_file_that_is_no_yaml_is_named_with_its_line(typed: Typed) -> None:
    (line,) = said_about(typed, "chunking", "mine", "method: sentences\nmax_tokens: [\n", "chunking=mine")
    assert "mine.yaml, line 3" in line


def test_composing_can_be_repeated_and_leaves_nothing_behind() -> None:
    loader = yaml.SafeLoader
    assert compose("chunking=tokens", "chunking.max_tokens=64").chunking.max_tokens == 64
    refused("chunking.max_tokens=0", "chunking.unit=none")
    assert compose() == composed()
    assert yaml.SafeLoader is loader
    assert not GlobalHydra.instance().is_initialized()


def test_composing_inside_another_hydra_application_leaves_it_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("x: 1\n", encoding="utf-8")
    with hydra.initialize_config_dir(str(tmp_path), version_base="1.3"):
        assert compose() == composed()
        refused("nope.nope=0")
        assert hydra.compose("own").x == 1


@pytest.mark.parametrize("plus", ["", "+", "++"])
def test_every_example_of_an_override_reaches_its_setting(plus: str) -> None:
    """Also without the `+` that Hydra asks for where a mapping gets a new entry."""
    examples = {
        key: example for key, example in EXAMPLES.items() if plus != "+" or get_origin(LEAVES[key].type) is dict
    }
    after = compose(*(plus + example for example in examples.values()))
    assert len(examples) > 10
    for key, example in examples.items():
        assert example.startswith(key)
        assert at(after, key) != at(composed(), key)


def at(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = getattr(config, part)
    return config


def test_entries_of_mappings_are_added_or_changed() -> None:
    shares = {"train": 0.65, "test": 0.35}
    assert compose("split.ratios.train=0.65", "+split.ratios.test=0.35").split.ratios == shares
    assert compose("source.fields={text: [inhalt]}").source.fields["title"] == composed().source.fields["title"]
    assert compose("annotators.overlap=1", "annotators.people.ada=a@b.org").annotators.people == {"ada": "a@b.org"}


def test_the_ratios_that_are_given_are_all_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the command line and in a file: the splits of the default are no part of them."""
    halves = {"one": 0.5, "two": 0.5}
    assert compose("split.ratios={one: 0.5, two: 0.5}").split.shares == halves
    (tmp_path / "conf/experiment").mkdir(parents=True)
    own = "# @package _global_\nsplit: {ratios: {one: 0.5, two: 0.5}}\n"
    (tmp_path / "conf/experiment/own.yaml").write_text(own)
    monkeypatch.chdir(tmp_path)
    assert compose("experiment=own").split.shares == halves
    assert compose().split.shares == {"train": 0.7, "validation": 0.15, "test": 0.15}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("annotators.people.ada=a@b", "++annotators.people.ada=a@b"),
        ("+annotators.people.ada=a@b", "++annotators.people.ada=a@b"),
        ("++annotators.people.ada=a@b", "++annotators.people.ada=a@b"),
        ("annotators.people={ada: a@b}", "++annotators.people={ada: a@b}"),
        ("quality.severity.mid-word=off", "++quality.severity.mid-word=off"),
        ("chunking.max_tokens=3", "chunking.max_tokens=3"),
        ("+chunking.size=3", "+chunking.size=3"),
        ("chunking=tokens", "chunking=tokens"),
        ("labels=news_stance", "labels=news_stance"),
        ("~annotators.people.ada", "~annotators.people.ada"),
    ],
)
def test_overrides_of_mappings_are_spelled_as_hydra_wants_them(given: str, written: str) -> None:
    assert spelled(given) == written


#: By the key that is named: overrides of settings that do not exist.
NOWHERE = {
    "chunking.size": "chunking.size=3",
    "foo": "+foo=3",
    "bar.baz.qux": "+bar.baz.qux=3",
    "quality.gates.min": "+quality.gates.min=3",
    "hydra.run.dir": "hydra.run.dir=x",
    "hydra.foo": "+hydra.foo=x",
    "hydra/launcher": "hydra/launcher=basic",
    "labels.foo": "++labels.foo=3",
}


def test_unknown_settings_are_refused_however_they_are_written() -> None:
    faults = refused(*NOWHERE.values()).faults
    assert sorted(fault.key for fault in faults) == sorted(NOWHERE)
    assert {fault.problem for fault in faults} == {"there is no such setting."}
    assert all(fault.hint for fault in faults)


@pytest.mark.parametrize("key", ["chunking.size", "foo", "labels.foo"])
def test_a_setting_that_alone_is_unknown_is_one_line(key: str) -> None:
    """Whether Hydra refuses it, lets it pass, or only the scheme knows better."""
    error = refused(NOWHERE[key])
    assert error.message == f"{key}: there is no such setting."
    assert error.hint
    assert [str(fault) for fault in error.faults] == [str(error)]


def test_misspelt_keys_get_a_suggestion() -> None:
    assert suggest("chunkin.max_tokens")[0] == "chunking.max_tokens"
    assert suggest("chunk.max_tokens")[0] == "chunking.max_tokens"
    assert suggest("budget") == ["selection.budget"]
    assert suggest("zzz") == []
    assert len(suggest("quality.seed")) == 3
    hints = {fault.key: fault.hint for fault in refused("chunkin.max_tokens=3", "+zzz=3").faults}
    assert "Did you mean chunking.max_tokens" in hints["chunkin.max_tokens"]
    assert "Did you mean" not in hints["zzz"]


def test_composing_imports_nothing_heavy() -> None:
    heavy = ["numpy", "pyarrow", "datasets", "rich", "httpx", "label_studio_sdk", "jinja2"]
    code = f"import sys; import builder.composing as c; c.compose(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "[]"


def test_hydra_lists_the_groups_and_nothing_else() -> None:
    """The documents beside the groups are no configuration."""
    with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        groups = set(loader.get_group_options("", results_filter=None))
    assert groups >= set(DEFAULTS) | {"config"}
    assert groups <= set(DEFAULTS) | {"config", "hydra", "builder_schema", "_dummy_empty_config_"}
    assert declared(Composed, "hydra") == []
