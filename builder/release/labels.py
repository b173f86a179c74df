"""Label names by id, append-only from release to release, and the name of every label in a release."""

from collections.abc import Mapping, Sequence

from builder.release.configuration import Numbering
from builder.release.settings import Export
from builder.scheme import Question, Scheme


def label_ids(current: Sequence[str], earlier: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    """Label names by id: what an earlier release numbered keeps its number, new labels follow.

    A renamed label keeps its number under the new name. A label that is gone, or was merged into another, keeps its
    number too, with no rows, so that no number ever changes its meaning.

    >>> label_ids(["PERSON", "ARMS", "EVENT"], ["PERSON", "ORG", "WEAPON"], {"WEAPON": "ARMS"})
    ['PERSON', 'ORG', 'ARMS', 'EVENT']
    """
    names: list[str] = []
    for old in earlier:
        new = renamed.get(old, old)
        moved = old not in current and new in current and new not in earlier and new not in names
        names.append(new if moved else old)
    return names + [name for name in current if name not in names]


def exported(labels: Sequence[str], changes: Mapping[str, str | None]) -> list[str]:
    """The labels of a release, in the scheme's order, after the renames, merges and omissions of the export.

    >>> exported(["PERSON", "ORG", "GPE", "EVENT"], {"GPE": "ORG", "EVENT": None})
    ['PERSON', 'ORG']
    """
    names = [changes.get(label, label) for label in labels]
    return list(dict.fromkeys(name for name in names if name is not None))


def translation(known: Sequence[str], changes: Mapping[str, str | None], renamed: Mapping[str, str]) -> dict[str, str]:
    """Every label that gold may hold, with its name in the release; labels that are left out are missing.

    >>> translation(["ORG", "GPE"], {"GPE": None}, {"COMPANY": "ORG", "PLACE": "GPE"})
    {'ORG': 'ORG', 'COMPANY': 'ORG'}
    """
    found = {}
    for label in [*known, *renamed]:
        now = label if label in known else renamed[label]
        name = changes.get(now, now)
        if name is not None:
            found[label] = name
    return found


def numbering(scheme: Scheme, question: Question, settings: Export, earlier: Sequence[str]) -> Numbering:
    """The labels of a question in a release. `earlier` are those of the release before, by id.

    `export.<question>` renames, merges and omits labels. The labels of a question with many answers are its options.
    """
    known = list(question.targets if question.many else question.labels)
    setting = vars(settings).get(question.name)
    changes = setting if isinstance(setting, dict) else {}
    earlier_names = scheme.renames(question.name)
    renamed = earlier_names.targets if question.many else earlier_names.labels
    ids = label_ids(exported(known, changes), earlier, renamed)
    return Numbering(ids, translation(known, changes, renamed))
