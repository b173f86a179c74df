"""Accounts on the embedded server: made once, with passwords that are kept, and never taken over."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from builder.errors import StudioError, Unreachable
from builder.studio.embedded.vault import Vault
from builder.studio.people import Annotator, _browser, accounts, ensure_accounts, token_of

ADA, BEN = Annotator("ada", "Ada@example.org"), Annotator("ben", "ben@example.org")


@pytest.fixture
def vault(world: Any) -> Vault:
    made: Vault = world.campaign.vault
    made.create()
    return made


def test_accounts_are_made_once_and_can_log_in(world: Any, vault: Vault) -> None:
    made = ensure_accounts(vault, world.client, [ADA, BEN])
    assert list(made) == ["Ada@example.org", "ben@example.org"]
    assert made == vault.secrets().annotators
    assert {len(password) for password in made.values()} == {16}
    assert accounts(world.client) == {1: "admin@builder.local", 2: "ada@example.org", 3: "ben@example.org"}
    assert ensure_accounts(vault, world.client, [ADA, BEN]) == made
    assert len(world.fake.users) == 3
    token = token_of(world.fake.url, ADA.email, made[ADA.email])
    with world.as_user(token) as client:
        assert client.get("api/current-user/whoami")["email"] == "ada@example.org"


def test_passwords_of_other_datasets_stay(world: Any, vault: Vault) -> None:
    before = ensure_accounts(vault, world.client, [ADA])
    after = ensure_accounts(vault, world.client, [BEN])
    assert vault.secrets().annotators == {**before, **after}


def test_an_account_that_somebody_else_made_is_left_alone(world: Any, vault: Vault) -> None:
    world.fake.add_user("ADA@example.org", "theirs")
    assert list(ensure_accounts(vault, world.client, [ADA, BEN])) == [BEN.email]
    assert "Ada@example.org" not in vault.secrets().annotators


def test_a_password_written_before_a_stop_is_the_accounts(world: Any, vault: Vault) -> None:
    kept = vault.secrets()
    kept.annotators[ADA.email] = "before the stop"
    vault.write_secrets(kept)
    assert ensure_accounts(vault, world.client, [ADA]) == {ADA.email: "before the stop"}
    assert world.fake.users[-1]["password"] == "before the stop"


def test_a_sign_up_that_is_refused_says_why(world: Any, vault: Vault) -> None:
    world.fake.no_sign_up = "This address\n  is not allowed"
    with pytest.raises(
        StudioError, match=r"made no account for ben@example\.org \(HTTP 200\)\. This address is not allowed"
    ):
        ensure_accounts(vault, world.client, [BEN])


def test_a_password_that_no_longer_fits(world: Any, vault: Vault) -> None:
    ensure_accounts(vault, world.client, [BEN])
    world.fake.users[-1]["password"] = "reset by hand"
    with pytest.raises(StudioError, match=r"ben@example\.org cannot log in at .* \(HTTP 401\)"):
        token_of(world.fake.url, BEN.email, vault.secrets().annotators[BEN.email])
    with pytest.raises(Unreachable, match="user/login/ did not answer"):
        token_of("http://127.0.0.1:9", BEN.email, "x")


def test_accounts_made_at_the_same_time_all_keep_their_passwords(world: Any, vault: Vault) -> None:
    people = [Annotator(f"p{n}", f"p{n}@example.org") for n in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda some: ensure_accounts(vault, world.client, some), (people[:2], people[2:4], people[4:])))
    assert set(vault.secrets().annotators) == {one.email for one in people}


def test_pages_are_asked_for_as_a_person_would_and_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks9://nowhere")
    with _browser("http://127.0.0.1:8080/prefix") as page:
        assert (page.timeout, page.follow_redirects) == (httpx.Timeout(60), True)
        assert str(page.base_url) == "http://127.0.0.1:8080/prefix/"
