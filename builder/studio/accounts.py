"""Accounts of annotators: who there is, and on the embedded server a log-in for each, made without anybody's help.

Label Studio has no endpoint that makes an account with a password, so this goes the way a person would: the sign-up
page behind an invitation.
"""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from builder.config import Config
from builder.errors import ConfigError, SourceError, StudioError, Unreachable
from builder.studio.client import Client
from builder.studio.server import Server, vault_of

#: Domain of addresses we make up; reserved, so that no mail ever leaves.
_DOMAIN = "builder.invalid"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}\Z")
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True)
class Annotator:
    """One annotator: the name in the configuration, and the e-mail address of the account."""

    name: str
    email: str


def annotators(config: Config) -> list[Annotator]:
    """Who annotates, sorted by name: recorded annotators by their files, people as configured."""
    settings = config.annotators
    if settings.kind == "recorded":
        folder = Path(settings.recorded)
        names = sorted(path.stem for path in folder.glob("*.jsonl"))
        if not names:
            raise SourceError(
                f"There are no recorded annotators in {folder}.",
                "Put one <annotator>.jsonl each there, or correct annotators.recorded.",
            )
        people = {name: settings.people.get(name, "") for name in names}
    else:
        people = dict(settings.people) or {f"annotator-{n + 1}": "" for n in range(settings.overlap)}
    for name in people:
        if not _NAME.match(name):
            raise ConfigError(
                f"annotators.people: {name!r} is no plain name.", "Use letters, digits, '.', '_' and '-'."
            )
    if len(people) < settings.overlap and settings.layout == "each":
        raise ConfigError(
            f"annotators.overlap is {settings.overlap}, but there are {len(people)} annotators.",
            "Name more annotators, or lower the overlap.",
        )
    return [Annotator(name, people[name] or f"{name.lower()}@{_DOMAIN}") for name in sorted(people)]


def users(client: Client) -> dict[str, dict[str, Any]]:
    """Every account on the server by its address in small letters."""
    return {str(user["email"]).casefold(): user for user in client.get("api/users")}


def ensure_accounts(config: Config, server: Server, client: Client) -> dict[str, str]:
    """Every annotator has an account on the embedded server; returns address -> password, kept in secrets.json.

    On any other server accounts belong to its administrator, so nothing is made and the result is empty.
    """
    if server.vault is None:
        return {}
    vault = vault_of(config)
    # Other datasets of the workspace keep their passwords in the same file.
    with vault.alone():
        kept = vault.secrets()
        known = users(client)
        for annotator in annotators(config):
            if annotator.email not in kept.annotators:
                if annotator.email.casefold() in known:
                    continue
                # Written before the sign-up: a stop in between leaves a password that still works.
                kept.annotators[annotator.email] = secrets.token_urlsafe(12)
                vault.write_secrets(kept)
            if annotator.email.casefold() not in known:
                _sign_up(client, annotator.email, kept.annotators[annotator.email])
    return {a.email: kept.annotators[a.email] for a in annotators(config) if a.email in kept.annotators}


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
    invitation = client.get("api/invite")["token"]
    with _browser(client.url) as page:
        form = {"email": email, "password": password, "allow_newsletters": "false"}
        answer = _submit(page, f"user/signup/?token={invitation}", form)
    if email.casefold() not in users(client):
        problem = re.sub(
            r"<[^>]+>|\s+", " ", "".join(re.findall(r'class="field_error"[^>]*>(.*?)</', answer.text, re.S))
        )
        raise StudioError(
            f"Label Studio made no account for {email} (HTTP {answer.status_code}). {problem}".rstrip(),
            "Make it by hand, or correct annotators.people.",
        )


def _browser(url: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/", trust_env=False, timeout=60, follow_redirects=True)


def _submit(page: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    try:
        shown = page.get(path)
        found = _CSRF.search(shown.text)
        csrf = found.group(1) if found else page.cookies.get("csrftoken", "")
        referer = str(page.base_url)
        return page.post(path, data={**form, "csrfmiddlewaretoken": csrf}, headers={"Referer": referer})
    except httpx.TransportError as e:
        raise Unreachable(f"{page.base_url}{path} did not answer: {e}.", "Run the command again.") from e
