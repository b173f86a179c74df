"""Every fault of a configuration is reported at once, each with its key."""

import functools
import pickle
from typing import Any

import pytest
from hydra.errors import HydraException
from omegaconf import OmegaConf

from builder.composing import compose, compose_jobs, refusal
from builder.config import Composed, check_config, read_config
from builder.errors import ConfigError, Fault
from tests.composing import composed


def refused(*overrides: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        compose(*overrides)
    return caught.value


def keys(*overrides: str) -> list[str]:
    return [key for key, *_ in refused(*overrides).faults]


def test_every_fault_of_the_overrides_is_reported() -> None:
    error = refused(
        "chunking.max_tokens=many",
        "dedup=none",
        "+split.nope=1",
        "this is nothing",
        "export.variant=${nope.key}",
        "split.near=0",
        "engine.workers=null",
        "label_studio.url=ftp://me:secret@example.org",
        "selection=diverse",
        "selection.budget=0",
    )
    assert [key for key, *_ in error.faults] == [
        "dedup",
        "this is nothing",
        "export.variant",
        "chunking.max_tokens",
        "selection.budget",
        "label_studio.url",
        "split.near",
        "split.nope",
        "engine.workers",
    ]
    said = {fault.key: str(fault) for fault in error.faults}
    assert said["dedup"] == "dedup: 'none' is not a choice. Choose one of drop, keep."
    assert said["this is nothing"] == "this is nothing: it is not an override. Write group=choice or key=value."
    assert (
        said["chunking.max_tokens"]
        == "chunking.max_tokens: 'many' is not allowed. Allowed: a whole number, at least 1."
    )
    assert said["engine.workers"] == "engine.workers: null is not allowed. Allowed: a whole number, at least 0."
    assert said["export.variant"].startswith("export.variant: Interpolation key 'nope.key' not found.")
    assert error.message == "\n".join(["9 settings cannot be used.", *(f"  {text}" for text in said.values())])
    assert error.hint == ""
    assert "secret" not in str(error)


def test_a_single_fault_is_one_line() -> None:
    error = refused("chunking.method=letters")
    assert error.message == "chunking.method: 'letters' is not a choice."
    assert error.hint == "Choose one of sentences, paragraphs, article, tokens."
    assert error.faults == [Fault("chunking.method", "'letters' is not a choice.", error.hint)]


def test_faults_survive_the_way_between_processes() -> None:
    error = refused("chunking.method=letters", "split.near=0")
    again = pickle.loads(pickle.dumps(error))
    assert (again.message, again.hint, again.faults) == (error.message, error.hint, error.faults)


def test_what_hydra_refuses_is_one_fault_each() -> None:
    """Every override that it stops at, and what it cannot read, in one line."""
    wrong = {
        "chunking=5": ("chunking", "must be a string"),
        "experiment=nope": ("experiment", "experiment: 'nope' is not a choice. Choose one of demo."),
        "+experiment=demo": ("experiment", "Multiple values for experiment"),
        "+paths@foo=x": ("paths", "config group 'paths' does not exist"),
        "labels.name=???": ("labels.name", "labels.name: it is not set."),
    }
    error = refused(*wrong)
    assert len(str(error).splitlines()) == 1 + len(wrong)
    for fault, (key, words) in zip(error.faults, wrong.values(), strict=True):
        assert fault.key == key
        assert words in str(fault)


@pytest.mark.parametrize(
    ("override", "key", "words"),
    [
        ("~split.seed", "split.seed", "does not support deletion"),
        ("chunking.max_tokens=1,2", "configuration", "--multirun"),
        ("export.names.first=a", "export.names.first", "invalid literal for int()"),
    ],
)
def test_what_hydra_alone_refuses_is_one_line(override: str, key: str, words: str) -> None:
    error = refused(override)
    assert [found for found, *_ in error.faults] == [key]
    assert words in str(error)
    assert len(str(error).splitlines()) == 1


def test_an_address_that_is_not_given_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Label Studio elsewhere without its address must not end at the embedded one."""
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    error = refused("label_studio=remote", "split.near=0")
    assert [key for key, *_ in error.faults] == ["label_studio.url", "split.near"]
    assert "label_studio.url: Environment variable 'LABEL_STUDIO_URL' not found. Set it." in str(error)
    assert compose("label_studio=remote", "label_studio.url=http://x.org").label_studio.url == "http://x.org"


def test_missing_values_say_what_they_mean() -> None:
    unset = OmegaConf.structured(Composed)
    unset.paths.raw = "???"
    faults: list[Fault] = []
    read_config(unset, faults)
    said = {fault.key: str(fault) for fault in faults}
    assert said["paths.raw"].startswith("paths.raw: it is not set. Raw articles: a folder")
    assert said["labels"].startswith("labels: it is not set. What annotators")


def test_each_job_of_a_sweep_is_checked() -> None:
    overrides = ["chunking.max_tokens=0,5,-1", "dedup=keep,none", "split.near=2", "engine=local"]
    with pytest.raises(ConfigError) as caught:
        compose_jobs(overrides, sweep=True)
    assert [key for key, *_ in caught.value.faults] == [
        "dedup",
        "chunking.max_tokens",
        "split.near",
        "chunking.max_tokens",
    ]
    assert "-1 is not allowed" in str(caught.value)


def test_a_sweep_is_every_combination_in_order() -> None:
    jobs = compose_jobs(["chunking.max_tokens=3,5", "dedup=keep,drop", "split.seed=1"], sweep=True)
    found = [(job.config.chunking.max_tokens, job.config.dedup.policy, job.config.split.seed) for job in jobs]
    assert found == [(3, "keep", 1), (3, "drop", 1), (5, "keep", 1), (5, "drop", 1)]
    assert jobs[1].overrides == ["chunking.max_tokens=3", "dedup=drop", "split.seed=1"]
    assert len(compose_jobs(["dedup=glob(*)"], sweep=True)) == 2


def test_what_hydra_says_besides_faults_is_reported() -> None:
    error = refusal(HydraException("Nothing. More"), [], lambda _: compose_jobs([])[0].composed)
    assert str(error).startswith("configuration: Nothing. More. ")


def test_an_error_that_is_not_about_the_configuration_is_raised_as_it_is() -> None:
    with pytest.raises(OSError, match="disk"):
        refusal(OSError("disk"), [], lambda _: compose_jobs([])[0].composed)


def test_schemes_that_contradict_themselves_are_reported_with_the_rest() -> None:
    found = keys("labels.questions.stance.absent=nope", "split.near=0", "labels.questions.entities.labels.GPE.hotkey=u")
    assert found[0] == "split.near"
    assert {"labels.questions.stance.absent", "labels.questions.entities.labels.GPE.hotkey"} <= set(found)


def test_names_that_the_scheme_does_not_have_are_refused() -> None:
    """Else a label that was to be left out would be released."""
    error = refused(
        "export.entities={WEPON: null}",
        "export.stance={maybe: null}",
        "export.targets=[japan, chna]",
        "quality.asked={annotator-1: [GPE,PRSON]}",
        "quality.gates.min_alpha_of={stance: .3, china: .4}",
        "split.near=2",
    )
    assert [str(fault) for fault in error.faults[1:]] == [
        "export.entities: the label scheme news_stance has no 'WEPON'. Did you mean WEAPON?",
        "export.stance: the label scheme news_stance has no 'maybe'. Choose among against, favor, neutral, none.",
        "export.targets: the label scheme news_stance has no 'chna'. Did you mean china?",
        "quality.asked: the label scheme news_stance has no 'PRSON'. Did you mean PERSON?",
        "quality.gates.min_alpha_of: the label scheme news_stance has no 'stance'. Choose among china, japan, ukraine, "
        "united_states.",
    ]
    assert error.faults[0].key == "split.near"
    error = refused("labels.questions.stance.order=[against,neutrl,favor]")
    assert str(error.faults[0]) == (
        "labels.questions.stance.order: 'neutrl' is not a label of the question. Did you mean neutral?"
    )


def unknown(labels: str, **settings: Any) -> list[str]:
    """Keys of the faults of a configuration after settings such as `export__targets` were changed."""
    config = composed(f"labels={labels}")
    for key, value in settings.items():
        *groups, name = key.split("__")
        setattr(functools.reduce(getattr, groups, config), name, value)
    try:
        check_config(config)
    except ConfigError as error:
        return [fault.key for fault in error.faults]
    return []


def test_names_are_those_of_the_scheme() -> None:
    """A gate is about a target or a question; what articles or a file of names bring, no setting can misspell."""
    assert unknown("news_topics", quality__gates__min_alpha_of={"topic": 0.3}) == []
    assert unknown("mention_stance", quality__gates__min_alpha_of={"anything": 0.3}) == []
    gazetteer = {"suggestions__method": "gazetteer", "suggestions__alias_label": "ORGS"}
    assert unknown("news_stance", **gazetteer) == ["suggestions.alias_label"]
    assert unknown("news_stance", **gazetteer, suggestions__file="names.csv") == []
    assert unknown("news_stance", suggestions__alias_label="ORGS") == []
    assert unknown("article_targets", suggestions__method="gazetteer", suggestions__alias_label="GPE") == [
        "suggestions.alias_label"
    ]
    assert unknown("news_stance", export__entities={"WEAPON": None}, export__targets=["japan"]) == []
    assert unknown("article_targets", export__targets=["anything"]) == []


def test_the_workspace_is_a_folder_of_this_machine_and_no_address_has_a_password() -> None:
    error = refused("paths.workspace=s3://bucket/w", "paths.exports=gs://b/x", "engine.storage=s3://me:secret@b/parts")
    folder = "it must be a folder of this machine, not an address."
    assert {fault.key: fault.problem for fault in error.faults} == {
        "paths.workspace": folder,
        "paths.exports": folder,
        "engine.storage": "it holds a user name or password.",
    }
    assert "engine.storage" in error.faults[0].hint
    assert "secret" not in str(error)
