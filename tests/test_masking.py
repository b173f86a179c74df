"""Personal data is found however it is written, and nothing else is taken for it."""

import pytest

from builder.corpus.cleaning import clean, steps
from builder.corpus.settings import Cleaning
from builder.masking import KINDS, masked, personal


@pytest.mark.parametrize(
    "written",
    [
        "ada@example.org",
        "Ada.Lovelace+news@mail.example.co.uk",
        "ada＠example．org",
        "ada﹫example.org",
        "ada&#64;example.org",
        "ada&#0064;example.org",
        "ada&#x40;example.org",
        "ada&commat;example.org",
        '"Ada Lovelace"@example.org',
        "ada@[192.168.0.1]",
        "ada@[2001:db8::1]",
        "ünïcode@exämple.org",
        "ｊｏｈｎ＠ｅｘａｍｐｌｅ．ｏｒｇ",
    ],
)
def test_an_address_is_masked_however_it_is_written(written: str) -> None:
    assert masked(f"Write to {written}, or call.", ["emails"]) == "Write to [e-mail], or call."
    assert masked(f"({written})", ["emails"]) == "([e-mail])"
    assert masked(written, []) == written


@pytest.mark.parametrize("text", ["@ada", "a @ b.org", "ada@", "ada@localhost", "5@6", "@example.org", "x@.org"])
def test_what_is_no_address_stays(text: str) -> None:
    assert masked(text, ["emails"]) == text


def test_bare_hosts_are_masked_on_request() -> None:
    assert masked("root@localhost and ada@example.org", ["hosts"]) == "[e-mail] and [e-mail]"


@pytest.mark.parametrize("sign", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\x00"])
@pytest.mark.parametrize("at", [1, 3, 4, 6])
def test_invisible_characters_do_not_hide_an_address(sign: str, at: int) -> None:
    """They are cut first; the mask leads back to all of the raw characters."""
    address = "ada@example.org"
    raw = f"To {address[:at]}{sign}{address[at:]} now."
    text, mapping = clean(raw, steps(Cleaning()))
    assert text == "To [e-mail] now."
    start, end = mapping.to_raw(3, 11)
    assert raw[start:end] == raw[3:-5]


def test_without_characters_repaired_plain_addresses_are_still_masked() -> None:
    off = steps(Cleaning(characters=False, entities=False, whitespace=False, reflow=False))
    assert clean("To ada@example.org &#38; ben&#64;example.org", off)[0] == "To [e-mail] &#38; [e-mail]"


@pytest.mark.parametrize(
    "number",
    ["+49 30 1234567", "+1 (202) 555-0143", "0049 30 1234567", "(030) 123 4567", "030/1234567", "202-555-0143"],
)
def test_phone_numbers_are_masked_on_request(number: str) -> None:
    text = f"Call {number}."
    assert masked(text, ["phones"]) == "Call [phone]."
    assert clean(text, steps(Cleaning()))[0] == text
    assert clean(text, steps(Cleaning(phones=True)))[0] == "Call [phone]."


@pytest.mark.parametrize(
    "text", ["2024-07-29", "29.07.2024", "07/29/2024", "1,234,567,890", "1234567890", "0.1234567", "10:30", "3-2-1"]
)
def test_dates_and_amounts_are_no_phone_numbers(text: str) -> None:
    assert masked(text, ["phones"]) == text


def test_account_numbers_need_the_right_check_digits() -> None:
    right, wrong = "DE89 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"
    assert masked(f"{right}; GB82WEST12345698765432; {wrong}", ["accounts"]) == f"[account]; [account]; {wrong}"
    assert clean(right, steps(Cleaning(accounts=True)))[0] == "[account]"


@pytest.mark.parametrize(("length", "account"), [(14, False), (15, True), (34, True), (35, False)])
def test_account_numbers_are_as_long_as_there_are(length: int, account: bool) -> None:
    body = "7" * (length - 4)
    remainder = int(f"{body}{int('N', 36)}{int('O', 36)}00") % 97
    written = f"NO{98 - remainder:02}{body}"
    assert masked(written, ["accounts"]) == ("[account]" if account else written)


def test_kinds_do_not_overlap() -> None:
    text = "+4930123456@example.org"
    assert list(personal(text, KINDS)) == [(0, len(text), "[e-mail]")]


def test_names_are_masked_as_whole_words_in_any_case() -> None:
    names = ["Ada", "Ada Lovelace", "Žižek", "J. (Jo)"]
    said = "ADA LOVELACE, ada's, Adam, žižek; J. (Jo) and ada.b@example.org"
    assert masked(said, KINDS, names) == "[name], [name]'s, Adam, [name]; [name] and [e-mail]"
    assert masked(said, [], [""]) == masked(said, []) == said


def test_the_longest_name_is_masked_whatever_its_case() -> None:
    assert masked("Ada Lovelace and ada", [], ["ada", "Ada Lovelace"]) == "[name] and [name]"
