"""Who annotates, as configured, and the accounts on the server.

Label Studio has no endpoint that makes an account with a password, so accounts on the embedded server are made the way
a person would: through the sign-up page of an invitation.
"""

import csv
import difflib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from builder.errors import ConfigError, SourceError, StudioError, Unreachable
from builder.languages import language_code
from builder.scheme import Scheme
from builder.studio.client import Client
from builder.studio.connection import default_tls
from builder.studio.embedded.vault import Vault
from builder.studio.settings import Annotators

#: Domain of addresses we make up; reserved, so that no mail ever leaves.
_DOMAIN = "builder.invalid"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}\Z")
#: Names of projects that are nobody's own.
_SLOTS = {"all", "review"}
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\Z")
#: Columns of the file of people that mean something, and the key of fields that have no column.
_COLUMNS = ("name", "email", "role", "active", "pseudonym", "languages", "labels")
_REST = "fields without a column"
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_FIELD_ERROR = re.compile(r'class="field_error"[^<>]{0,200}+>((?:(?!</|class="field_error").)*+)</', re.S)


@dataclass(frozen=True)
class Annotator:
    """One person: the name in the configuration, the e-mail address of the account, and what the person does."""

    name: str
    email: str
    role: str = "annotator"
    #: The name in tables and releases; empty: one is drawn.
    pseudonym: str = ""
    #: What the person reads, as codes; empty: everything.
    languages: tuple[str, ...] = ()
    #: Labels of entities that the person is asked for; empty: all.
    labels: tuple[str, ...] = ()
    active: bool = True
    #: File and line that say so.
    where: str = field(default="", compare=False)


def annotators_of(settings: Annotators) -> list[Annotator]:
    """Who annotates, sorted by name. Raises what `people_of` raises, and `ConfigError` when they are too few."""
    people = [person for person in people_of(settings) if person.role == "annotator"]
    if len(people) < settings.largest_overlap and (settings.layout == "each" or settings.file):
        raise ConfigError(
            f"annotators.overlap is {settings.largest_overlap}, but there are {len(people)} annotators.",
            "Name more annotators, or lower the overlap.",
        )
    if settings.layout == "shared" and any(person.languages or person.labels for person in people):
        raise ConfigError(
            "In a shared project anybody gets the next chunk, whatever its language, and is asked for every label.",
            "Set annotators.layout=each, or leave out the languages and labels of annotators.",
        )
    return people


def people_of(settings: Annotators) -> list[Annotator]:
    """Annotators and experts, sorted by name: recorded annotators by their files, people as configured.

    Raises `ConfigError` when a name is not plain, `SourceError` when the file of people cannot be read or the folder of
    recordings is empty.
    """
    if settings.kind == "recorded":
        folder = Path(settings.recorded)
        people = {path.stem: settings.people.get(path.stem, "") for path in folder.glob("*.jsonl")}
        if not people:
            raise SourceError(
                f"There are no recorded annotators in {folder}.",
                "Put one <annotator>.jsonl per annotator there, or correct annotators.recorded.",
            )
    elif settings.file:
        return [person for person in read_people(Path(settings.file)) if person.active]
    else:
        people = dict(settings.people) or {f"annotator-{n + 1}": "" for n in range(settings.overlap)}
    found = [Annotator(name, people[name] or f"{name.lower()}@{_DOMAIN}") for name in sorted(people)]
    taken: set[str] = set()
    for person in found:
        if why := next(_wrong(person, taken), None):
            hint = "Names have letters, digits, '.', '_' and '-'; everybody has a name and an address of their own."
            raise ConfigError(f"annotators.people: {why}.", hint)
    return found


def _wrong(person: Annotator, taken: set[str]) -> Iterator[str]:
    """What is wrong with a person, given names, addresses and pseudonyms that are taken; adds those of the person."""
    if not _NAME.match(person.name) or person.name.lower() in _SLOTS:
        yield f"{person.name!r} is not a plain name"
    if not _EMAIL.match(person.email):
        yield f"{person.email!r} is not an e-mail address"
    if person.pseudonym and not _NAME.match(person.pseudonym):
        yield f"{person.pseudonym!r} is not a plain pseudonym"
    # An account has one address, whatever its case; a name is also that of a project.
    own = {f"name {person.name}".lower(), person.email.lower(), person.pseudonym} - {""}
    if not taken.isdisjoint(own):
        yield f"the name, address or pseudonym of {person.name} is that of somebody before"
    taken |= own


def read_people(path: Path) -> list[Annotator]:
    """The people of a CSV file with the columns of `annotators.file`, sorted by name.

    `role` is annotator (also when empty) or expert; who has `no` in `active` left. `languages` are codes such as "de",
    `labels` those of entities that the person is asked for; both are separated by blanks. Other columns are not read.
    Raises `SourceError` with the number of a line that is wrong, and for a column whose name is nearly one of these.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey=_REST, restval="")
            rows = [(reader.line_num, {k: v if k == _REST else v.strip() for k, v in row.items()}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise SourceError(f"annotators.file cannot be read: {e}.", "Correct the path, or save it as CSV.") from e
    columns = [str(name) for name in reader.fieldnames or ()]
    if missing := {"name", "email"} - set(columns):
        raise SourceError(f"{path} has no column {sorted(missing)[0]}.", "Its first line names the columns.")
    for name in columns:
        near = difflib.get_close_matches(name.strip().lower(), _COLUMNS, cutoff=0.75)
        if columns.count(name) > 1 or (near and name not in _COLUMNS):
            why = f"Did you mean {near[0]}?" if near and name not in _COLUMNS else "Leave one of them out."
            raise SourceError(f"{path}: the column {name!r} is {'there twice' if why[0] == 'L' else 'not known'}.", why)
    found: list[Annotator] = []
    taken: set[str] = set()
    for line, row in rows:
        active, role = row.get("active", "").lower(), row.get("role") or "annotator"
        wrong = {
            "it has more fields than the first line": _REST in row,
            f"{role!r} is neither annotator nor expert": role not in ("annotator", "expert"),
            f"active is {row.get('active')!r}, neither yes nor no": active not in ("", "yes", "no"),
        }
        why = next((why for why, holds in wrong.items() if holds), "")
        try:
            languages = tuple(map(language_code, row.get("languages", "").split()))
        except ValueError as e:
            languages, why = (), why or str(e)
        labels, where = tuple(row.get("labels", "").split()), f"{path}:{line}"
        person = Annotator(
            row["name"], row["email"], role, row.get("pseudonym", ""), languages, labels, active != "no", where
        )
        if why := why or next(_wrong(person, taken), ""):
            raise SourceError(f"{where}: {why}.", "Correct the line.")
        found.append(person)
    return sorted(found, key=lambda person: person.name)


def pseudonyms_of(settings: Annotators) -> dict[str, str]:
    """E-mail address, in small letters -> pseudonym, of the people to whom the file gives one, also those who left."""
    people = read_people(Path(settings.file)) if settings.file else []
    return {person.email.lower(): person.pseudonym for person in people if person.pseudonym}


def labels_asked(settings: Annotators, scheme: Scheme) -> dict[str, Annotator]:
    """E-mail address, in small letters -> a person whom the file asks for some labels of entities only.

    Those who left are among them; where all share one project there is nobody. Raises `SourceError` with the line of a
    label that the scheme does not have.
    """
    people = read_people(Path(settings.file)) if settings.file and settings.layout == "each" else []
    known = [label for question in scheme.of_kind("entities") for label in question.labels]
    for person in people:
        for label in person.labels:
            if label not in known:
                near = difflib.get_close_matches(label, known) or [", ".join(known) or "none"]
                message = f"{person.where}: the label scheme {scheme.name} has no entity label {label!r}."
                raise SourceError(message, f"The column `labels` may name {near[0]}.")
    return {person.email.lower(): person for person in people if person.labels}


class _Account(msgspec.Struct):
    id: int
    email: str


def accounts(client: Client) -> dict[int, str]:
    """User id -> e-mail address of every account on the server."""
    return {user.id: user.email for user in client.ask(lambda sdk: sdk.users.list(), list[_Account])}


def ensure_accounts(vault: Vault, client: Client, annotators: Sequence[Annotator]) -> dict[str, str]:
    """Every annotator has an account; returns e-mail -> password of those that the builder made, now or earlier.

    Raises `StudioError` when Label Studio makes no account.
    """
    # Other datasets of the workspace keep their passwords in the same file.
    with vault.secrets_lock():
        kept = vault.secrets()
        known = _addresses(client)
        for annotator in annotators:
            if annotator.email.lower() in known:
                continue
            if annotator.email not in kept.annotators:
                # Written before the sign-up, so that a stop in between leaves a password that still works.
                kept.annotators[annotator.email] = secrets.token_urlsafe(12)
                vault.write_secrets(kept)
            _sign_up(client, annotator.email, kept.annotators[annotator.email])
    return {a.email: kept.annotators[a.email] for a in annotators if a.email in kept.annotators}


def token_of(url: str, email: str, password: str) -> str:
    """The token of an account on the embedded server, fetched by logging in as a person would."""
    with _browser(url) as page:
        _submit(page, "user/login/", {"email": email, "password": password, "persist_session": "on"})
        answer = page.get("api/current-user/token")
        if answer.status_code != 200:
            raise StudioError(
                f"{email} cannot log in at {url} (HTTP {answer.status_code}).",
                "The password in the workspace's studio/secrets.json no longer fits; reset it in Label Studio.",
            )
        return str(answer.json()["token"])


def _sign_up(client: Client, email: str, password: str) -> None:
    # Raw: the SDK has no method for invitations.
    invitation = client.get("api/invite", kind=dict[str, str]).get("token", "")
    with _browser(client.url) as page:
        form = {"email": email, "password": password, "allow_newsletters": "false"}
        answer = _submit(page, f"user/signup/?token={invitation}", form)
    if email.lower() not in _addresses(client):
        problem = re.sub(r"<[^<>]++>|\s++", " ", "".join(_FIELD_ERROR.findall(answer.text)))
        raise StudioError(
            f"Label Studio made no account for {email} (HTTP {answer.status_code}). {problem}".rstrip(),
            "Make it by hand, or correct annotators.people.",
        )


def _addresses(client: Client) -> set[str]:
    return {email.lower() for email in accounts(client).values()}


def _browser(url: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/", trust_env=False, timeout=60, follow_redirects=True, verify=default_tls())


def _submit(page: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    try:
        found = _CSRF.search(page.get(path).text)
        csrf = found.group(1) if found else page.cookies.get("csrftoken", "")
        referer = str(page.base_url)
        return page.post(path, data={**form, "csrfmiddlewaretoken": csrf}, headers={"Referer": referer})
    except httpx.TransportError as e:
        raise Unreachable(f"{page.base_url}{path} did not answer: {e}.", "Run the command again.") from e
