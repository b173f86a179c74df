"""How a configuration is composed: which choice comes first, what is shown of it, and what the log says of a command.

What is refused, and what overrides mean, is in `test_config.py` and `test_config_faults.py`.
"""

import re
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
import yaml
from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf

from builder import composing
from builder.composing import compose_jobs, logged
from builder.errors import ConfigError, Fault


def test_choices_of_the_folder_asked_for_come_first_then_those_of_conf_then_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "more/chunking/mine.yaml": "max_tokens: 1",
        "conf/chunking/mine.yaml": "max_tokens: 2",
        "conf/split/mine.yaml": "seed: 3",
    }.items():
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text(text, encoding="utf-8")
    for config_dir, tokens in (("more", 1), ("", 2)):
        (job,) = compose_jobs(["chunking=mine", "split=mine", "selection=all"], config_dir=config_dir)
        assert (job.config.chunking.max_tokens, job.config.split.seed) == (tokens, 3)
    assert composing._FURTHER == []


def test_what_is_printed_has_all_but_secrets_which_the_configuration_keeps() -> None:
    (job,) = compose_jobs(["source.storage_options={key: hidden}", "dataset.name=mine"])
    assert job.overrides == ["++source.storage_options={key: hidden}", "dataset.name=mine"]
    shown = yaml.safe_load(job.as_yaml())
    assert (shown["source"]["storage_options"], shown["dataset"]["name"]) == ({"key": "(secret)"}, "mine")
    assert job.config.source.storage_options == {"key": "hidden"}
    assert OmegaConf.select(job.composed, "source.storage_options.key") == "hidden"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command takes 2.5 seconds."""
    times = iter([100.0, 102.5] * 9)
    monkeypatch.setattr(composing, "time", SimpleNamespace(monotonic=lambda: next(times)))


@pytest.mark.usefixtures("clock")
def test_the_log_has_a_line_per_command_in_the_order_in_which_they_ended(tmp_path: Path) -> None:
    with logged(tmp_path, ["push", "--json"], ["a.b=1", "+source.storage_options.key=hidden", "~a.b"]):
        pass
    with pytest.raises(KeyboardInterrupt), logged(tmp_path, ["pull"], []):
        raise KeyboardInterrupt("one\ntwo")
    first, second = (tmp_path / "builder.log").read_text("utf-8").splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC push --json .*", first)
    assert first[24:] == "push --json a.b=1 source.storage_options.key ~a.b: 2.5 s, done"
    assert second[24:] == "pull: 2.5 s, KeyboardInterrupt: one two"


@pytest.mark.usefixtures("clock")
def test_without_a_dataset_or_room_nothing_is_logged(tmp_path: Path) -> None:
    with logged(tmp_path / "nowhere", ["push"], []):
        pass
    with mock.patch.object(composing.os, "open", side_effect=OSError(28, "No space left on device")) as opened:
        with logged(tmp_path, ["push"], []):
            pass
        assert opened.called
    assert list(tmp_path.iterdir()) == []


def test_faults_of_hydra_are_said_with_the_setting_the_reason_and_what_to_do() -> None:
    error, cause = HydraException("It is odd. \nmore"), ValueError("Because.")
    assert composing._explained(error) == Fault("configuration", "It is odd.", composing.MORE)
    error.__cause__ = cause
    assert composing._explained(error, "a.b") == Fault("a.b", "It is odd: Because.", composing.MORE)
    cause.full_key = "c.d"  # type: ignore[attr-defined]
    assert composing._explained(error).key == "c.d"
    assert composing._explained(ValueError("No text."), "chunking") == Fault("chunking", "No text.", composing.MORE)
    for options, hint in ((["a", "b"], "Choose one of a, b."), (None, composing.MORE)):
        missing = MissingConfigException("Not found.", "group/none", options)
        assert composing._explained(missing) == Fault("group", "'none' is not a choice.", hint)
    fault = Fault("x", "it is wrong.")
    assert composing._explained(ConfigError.of([fault, Fault("y", "it is, too.")])) is fault
    assert composing._explained(ValueError("No text.")).key == "configuration"
    for key in ("", "chunking"):
        with pytest.raises(OSError, match="disk"):
            composing._explained(OSError("disk"), key)
    with pytest.raises(ConfigError) as said:
        compose_jobs(["chunking.max_tokens=1,2"])
    assert said.value.faults[0].hint == "Write a list as key=[a,b]; to sweep over values add --multirun."


def test_yaml_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("conf", "chunking", "mine.yaml")
    path.parent.mkdir(parents=True)
    path.write_text("a: 1\nb: [\n", encoding="utf-8")
    with pytest.raises(ConfigError) as said:
        compose_jobs(["chunking=mine"])
    (fault,) = said.value.faults
    assert fault.key.endswith("mine.yaml, line 3")
    assert fault.hint == "Correct the YAML there."
    mark = SimpleNamespace(name="x.yaml", line=4)
    unmarked = yaml.MarkedYAMLError(problem="odd", context_mark=mark)  # type: ignore[arg-type]
    assert composing._explained(unmarked) == Fault("x.yaml, line 5", "odd.", "Correct the YAML there.")
    assert composing._explained(yaml.MarkedYAMLError(problem="odd")).key == "A configuration file"
