"""Accounts of annotators on the embedded server, made without anybody's help.

Label Studio has no endpoint that makes an account with a password, so this goes the way a person would: the sign-up
page of an invitation.
"""

import re
import secrets
from collections.abc import Sequence

import httpx

from builder.errors import StudioError, Unreachable
from builder.studio.client import Client
from builder.studio.connection import default_tls
from builder.studio.embedded.vault import Vault
from builder.studio.people import Annotator, accounts

_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_FIELD_ERROR = re.compile(r'class="field_error"[^>]*>(.*?)</', re.S)


def ensure_accounts(vault: Vault, client: Client, annotators: Sequence[Annotator]) -> dict[str, str]:
    """Every annotator has an account; returns e-mail -> password of those that the builder made, now or earlier.

    Raises `StudioError` when Label Studio makes no account.
    """
    # Other datasets of the workspace keep their passwords in the same file.
    with vault.secrets_lock():
        kept = vault.secrets()
        known = _addresses(client)
        for annotator in annotators:
            if annotator.email not in kept.annotators:
                if annotator.email.casefold() in known:
                    continue
                # Written before the sign-up, so that a stop in between leaves a password that still works.
                kept.annotators[annotator.email] = secrets.token_urlsafe(12)
                vault.write_secrets(kept)
            if annotator.email.casefold() not in known:
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
    invitation = client.get("api/invite")["token"]
    with _browser(client.url) as page:
        form = {"email": email, "password": password, "allow_newsletters": "false"}
        answer = _submit(page, f"user/signup/?token={invitation}", form)
    if email.casefold() not in _addresses(client):
        problem = re.sub(r"<[^>]+>|\s+", " ", "".join(_FIELD_ERROR.findall(answer.text)))
        raise StudioError(
            f"Label Studio made no account for {email} (HTTP {answer.status_code}). {problem}".rstrip(),
            "Make it by hand, or correct annotators.people.",
        )


def _addresses(client: Client) -> set[str]:
    return {email.casefold() for email in accounts(client).values()}


def _browser(url: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/", trust_env=False, timeout=60, follow_redirects=True, verify=default_tls())


def _submit(page: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    try:
        shown = page.get(path)
        found = _CSRF.search(shown.text)
        csrf = found.group(1) if found else page.cookies.get("csrftoken", "")
        referer = str(page.base_url)
        return page.post(path, data={**form, "csrfmiddlewaretoken": csrf}, headers={"Referer": referer})
    except httpx.TransportError as e:
        raise Unreachable(f"{page.base_url}{path} did not answer: {e}.", "Run the command again.") from e
