"""Settings that name people: who they are in tables and releases, and which labels they are asked for.

What reads pulls and accounts is imported where it is needed: without such settings no command waits for it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from builder.config import Config, unknown_names
from builder.errors import ConfigError
from builder.quality.settings import Quality
from builder.stage import Stages

#: The file of the workspace that holds the key of pseudonyms.
KEY = "pseudonyms.key"


def quality_of(config: Config) -> Quality:
    """The settings of quality, with the labels that the file of people says somebody is asked for.

    Raises `ConfigError` where `quality.asked` says otherwise.
    """
    # Without a key nothing was pulled.
    if not config.annotators.file or not (config.workspace / KEY).exists():
        return config.quality
    from builder.studio.people import labels_asked

    asked, name = dict(config.quality.asked), _namer(config)
    # Everybody's page has the other labels of spans.
    entities = {label for question in config.labels.of_kind("entities") for label in question.labels}
    of_all = [x for q in config.labels.questions.values() if q.gives == "spans" for x in q.labels if x not in entities]
    for email, person in labels_asked(config.annotators, config.labels).items():
        said = asked.get(name(email), person.labels)
        if set(said) - set(of_all) != set(person.labels):
            message = f"quality.asked names {', '.join(said)} for {name(email)}, and {person.where} other labels."
            raise ConfigError(message, "Remove one of them.")
        asked[name(email)] = [*person.labels, *of_all]
    return replace(config.quality, asked=asked)


def accounts_of(config: Config, pull: Path) -> dict[str, str]:
    """The e-mail address of each pseudonym in a pull."""
    from builder.studio.pull_records import emails_of

    name = _namer(config)
    return {name(email): email for email in emails_of(pull).values()}


def refuse_unknown_people(config: Config) -> None:
    """Raises `ConfigError` for each pseudonym in the settings that is nobody's, once there was a pull."""
    given = {"aggregation.experts": config.aggregation.experts, "aggregation.weights": config.aggregation.weights}
    given["quality.asked"] = config.quality.asked
    if not any(given.values()) or not (config.workspace / KEY).exists():
        return
    from builder.studio.people import people_of, pseudonyms_of
    from builder.studio.pull_records import emails_of

    people = people_of(config.annotators) if config.annotators.kind == "human" else []
    emails = {person.email for person in people}
    # Those of other datasets too: a pseudonym is the same in all of a workspace.
    for path in config.workspace.glob("*/pulls/*/users.json"):
        emails |= {*emails_of(path.parent).values()}
    known = set(map(_namer(config), emails)) | set(pseudonyms_of(config.annotators).values())
    if latest := Stages(config.dataset_folder).latest("validate"):  # somebody may be known by a project alone
        known |= set(latest.table("annotations")["annotator"].to_pylist())
    faults = [f for name in given for f in unknown_names(name, given[name], known, "nobody annotates as")]
    if faults:
        raise ConfigError.of(faults)


def _namer(config: Config) -> Callable[[str], str]:
    """The pseudonym of an address; raises `StoreError` without a key."""
    from builder.questions.decode import pseudonym
    from builder.studio.people import pseudonyms_of
    from builder.studio.pull_records import read_key

    key, given = read_key(config.workspace / KEY), pseudonyms_of(config.annotators)
    return lambda email: pseudonym(key, email, given)
