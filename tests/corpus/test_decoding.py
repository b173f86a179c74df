"""Bytes become the text that was written, whatever its encoding, and the record says how that was found."""

import codecs
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus import decoding
from builder.corpus.decoding import (
    UTF8,
    Encoding,
    NotTextError,
    _detected,
    _evidence,
    _runs,
    _wide_without_zeros,
    blocks,
    codec,
    decode_text,
    is_wide,
    line_decoder,
)
from builder.corpus.readers import read_file
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Source
from tests.corpus.texts import ENCODINGS, TEXTS, WIDE, encodable, pages

TEXT = "Ministers met in Kyiv — “late”, said Sinéad. They agreed."
ANY = Source()


def read(data: bytes, name: str = "a.txt", **settings: Any) -> list[Record | Reject]:
    return list(read_file(io.BufferedReader(io.BytesIO(data)), name, Source(**settings)))


@pytest.mark.parametrize("language", ENCODINGS)
def test_news_in_every_usual_encoding_is_read_in_every_format(language: str) -> None:
    for encoding in [*ENCODINGS[language], *WIDE, "utf-8", "utf-8-sig"]:
        text = encodable(TEXTS[language], encoding)
        for name, page in pages(text).items():
            (record,) = read(page.encode(encoding), name)
            assert isinstance(record, Record), (encoding, name, record)
            assert text in record.raw, (encoding, name, record.encoding)


@pytest.mark.parametrize("language", ["da", "nb", "nn", "no"])
@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_a_language_with_near_neighbours_is_no_reason_for_another_encoding(language: str, encoding: str) -> None:
    text = "Byens borgmester oplyste tirsdag, at den gamle bro bliver lukket resten af året. Beboerne er kede af det."
    text += " Ingeniører fandt revner i to af pillerne, efter at åen gik over sine bredder i foråret."
    assert decode_text(text.encode(encoding), Source(languages=[language]))[0] == text


@pytest.mark.parametrize("size", [60, 150])
def test_short_texts_in_the_language_that_is_expected(size: int) -> None:
    wrong = []
    for language, encodings in ENCODINGS.items():
        for encoding in encodings:
            text = encodable(TEXTS[language], encoding)[:size]
            if decode_text(text.encode(encoding), Source(languages=[language[:2]]))[0] != text:
                wrong.append((language, encoding))
    assert len(wrong) <= (1 if size < 100 else 0), wrong


@pytest.mark.parametrize(
    ("data", "source", "text", "encoding"),
    [
        (TEXT.encode("cp1252"), Source(encoding="cp1252"), TEXT, Encoding("cp1252", "set")),
        (b"\xef\xbb\xbf" + TEXT.encode(), ANY, TEXT, Encoding("utf-8-sig", "mark")),
        (b"\xef\xbb\xbf" + TEXT.encode(), Source(encoding="utf-8"), TEXT, Encoding("utf-8", "set")),
        (TEXT.encode("utf-16"), ANY, TEXT, Encoding("utf-16", "mark")),
        (TEXT.encode("utf-32"), ANY, TEXT, Encoding("utf-32", "mark")),
        (TEXT.encode(), ANY, TEXT, UTF8),
        (b"caf\xe9", Source(encoding="utf-8"), "caf\ufffd", Encoding("utf-8+replace", "set")),
    ],
)
def test_what_is_set_comes_before_a_mark_and_a_mark_before_all_else(
    data: bytes, source: Source, text: str, encoding: Encoding
) -> None:
    assert decode_text(data, source) == (text, encoding)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("latin-1", "cp1252"), ("ISO-8859-1", "cp1252"), ("us-ascii", "cp1252"), ("gb2312", "gb18030"),
        ("GBK", "gb18030"), ("x-gbk", "gb18030"), ("Shift_JIS", "cp932"), ("x-sjis", "cp932"), ("euc-kr", "cp949"),
        ("ks_c_5601-1987", "cp949"), ("iso-8859-9", "cp1254"), ("windows-1251", "cp1251"), ("1251", "cp1251"),
        ("iso-8859-8-i", "iso8859-8"), ("windows-874", "cp874"), ("big5", "big5hkscs"),
        ("x-mac-cyrillic", "mac-cyrillic"),
        ("utf-16", ""), ("nonsense", ""), ("rot13", ""), ("undefined", ""), ("utf-8", ""),
    ],
)  # fmt: skip
def test_labels_are_read_as_browsers_read_them(label: str, name: str) -> None:
    assert codec(label) == name


def test_a_declaration_counts_wherever_it_is_in_the_head_and_nowhere_else() -> None:
    padding = "<style>" + "a{} " * 2000 + "</style>"
    text = TEXTS["ru"]
    page = f"<html><head>{padding}<meta charset=koi8-r></head><body><p>{text}</p></body></html>"
    assert decode_text(page.encode("koi8-r"), ANY) == (page, Encoding("koi8-r", "declared"))
    prolog = f"<?xml version='1.0' encoding='iso-8859-5'?><a>{text}</a>"
    assert decode_text(prolog.encode("iso8859-5"), ANY)[1] == Encoding("iso8859-5", "declared")
    hidden = f"<html><head><!-- <meta charset=koi8-r> --></head><body>{text}</body></html>"
    assert decode_text(hidden.encode("cp1251"), ANY)[0] == hidden
    written = f"<html><head><script>w('<meta charset=koi8-r>')</script><meta charset=cp1251></head>{text}</html>"
    assert decode_text(written.encode("cp1251"), ANY) == (written, Encoding("cp1251", "declared"))
    said = f"<html><head></head><body>{text} <meta charset=koi8-r></body></html>"
    assert decode_text(said.encode("cp1251"), ANY)[0] == said
    assert decode_text(f"{text} <meta charset=koi8-r>".encode("cp1251"), ANY)[1].name == "cp1251"
    for blanks, found in ((63, "declared"), (64, "detected")):  # no page begins with more of them
        assert decode_text(b" " * blanks + page.encode("koi8-r"), ANY)[1].found == found


def test_what_a_page_declares_must_decode_it_and_utf8_is_utf8() -> None:
    page = f"<html><head><meta charset=gb2312></head><body>{TEXT}</body></html>"
    assert decode_text(page.encode(), ANY) == (page, UTF8)
    assert decode_text(page.encode("cp1252"), ANY)[0] == page
    plain = "<html><head><meta charset=latin-1></head><body>Plain</body></html>"
    assert decode_text(plain.encode(), ANY) == (plain, Encoding("cp1252", "declared"))


def test_damaged_utf8_keeps_its_accents() -> None:
    text, encoding = decode_text(TEXT.encode() + b" \xff " + TEXT.encode(), ANY)
    assert text == f"{TEXT} \ufffd {TEXT}"
    assert (encoding.name, encoding.found) == ("utf-8+replace", "detected")
    assert 0.8 < encoding.sure < 1
    assert decode_text("It — ends in a cut é".encode()[:-1], ANY)[1].name == "utf-8+replace"
    assert decode_text(b"We met at the caf\xe9", ANY)[0] == "We met at the café"


def test_escape_sequences_are_not_utf8_and_tildes_alone_are() -> None:
    text = TEXTS["ja"]
    assert decode_text(text.encode("iso2022_jp"), ANY)[0] == text
    assert decode_text(b"It costs ~{ more or less } a lot.", ANY)[1].name == "utf-8"


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("iso2022_kr", "시장은 낡은 다리를 폐쇄한다고 밝혔다."),
        ("iso2022_jp", "市長は古い橋を閉鎖すると発表した。"),
        ("hz", "市长宣布，旧桥将关闭到年底。"),
    ],
)
def test_escape_sequences_count_in_every_line_of_a_file(codec: str, text: str) -> None:
    """Korean is announced once per file."""
    lines = [f'{{"id": "{n}", "text": "{text} {n}."}}\n' for n in "abc"]
    found = read(b'{"id": "p", "text": "Plain."}\n' + "".join(lines).encode(codec), "a.jsonl")
    assert [r.raw for r in found if isinstance(r, Record)] == ["Plain.", *(f"{text} {n}." for n in "abc")]
    assert decode_text(b"A stray \x0e and a \x0f say nothing.", ANY)[1] == UTF8
    stray = line_decoder(Source(encoding="iso2022_jp"), lambda: b"")("市長".encode("iso2022_jp") + b" \x0eab\x0f")
    assert stray[0] == "市長 \x0eab\x0f"  # announced already, as Japanese


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp850", "À Paris, le préfet a reçu une délégation à midi."),  # a lone line drawing in cp437
        ("mac-roman", "Stadtrat streitet über das Tempolimit am Fluss"),  # an Arabic letter in cp720
        ("mac-roman", "A café owner near the gates said that trade had fallen by half."),  # a capital in cp1252
        ("cp850", "El río baja con la mitad del caudal."),  # a sign in cp1252
        ("gb18030", "市議會通過老屋修繕補助辦法"),  # a control character in iso8859-5
        ("cp1252", "Der Zug fährt pünktlich über die Brücke: GmbH & Co. zählen mit."),
        ("iso8859-6", '"قال الوزير إن المخزون يكفي.\\nوقال النائب إن القرار تأجل."'),  # an escape of JSON
    ],
)
def test_an_encoding_that_puts_into_words_what_no_word_has_gives_way(codec: str, text: str) -> None:
    assert decode_text(text.encode(codec), ANY)[0] == text


@given(st.binary(max_size=400))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text, encoding = decode_text(data, ANY)
    except NotTextError:
        return
    assert text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass") == text
    assert 0 <= encoding.sure <= 1


def test_lines_are_decoded_alike_from_the_first_that_is_not_utf8() -> None:
    first, second = TEXTS["pl"][:50], TEXTS["pl"][50:]
    decode = line_decoder(ANY, lambda: second.encode("cp1250") + b"\n" + second.encode() * 9 + b"\n")
    assert decode(b"plain") == ("plain", UTF8)
    assert decode(first.encode("cp1250"))[0] == first
    assert decode("ż".encode("cp1250"))[0] == "ż"
    assert decode("ż".encode())[0] == "ż"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize(
    ("codec", "lines"),
    [
        ("cp1252", ["La médiathèque rouvrira après l’été.", "Les élèves étaient très déçus.", "École fermée à Nîmes."]),
        ("cp1250", ["Straż gasiła pożar całą noc.", "Źródła podają, że śledztwo potrwa tygodnie.", "Wójt dziękował."]),
        ("cp1251", ["Жители узнали об этом.", "В министерстве объяснили решение нехваткой денег.", "Депутаты."]),
        ("gb18030", ["两座桥梁将封闭维修。", "附近的商户担心客流减少，市政府表示会给予适当补贴。", "桥梁关闭。"]),
    ],
)
def test_tables_and_lists_may_have_lines_in_utf8_and_in_another_encoding(
    mark: bytes, codec: str, lines: list[str]
) -> None:
    names = ["utf-8", codec, "utf-8"]
    for name, begin, form, between, end in [
        ("a.tsv", "id\ttext\n", "n-{}\t{}", b"\n", b"\n"),
        ("a.json", "[\n", '{{"id": "n-{}", "text": "{}"}}', b",\n", b"]"),
    ]:
        rows = [form.format(i, line).encode(names[i]) for i, line in enumerate(lines)]
        found = read(mark + begin.encode() + between.join(rows) + end, name)
        assert [r.raw for r in found if isinstance(r, Record)] == lines
        assert [r.record_id for r in found if isinstance(r, Record)] == ["n-0", "n-1", "n-2"]


def test_a_few_characters_that_are_utf8_by_chance_are_none() -> None:
    """As the name of a Chinese company is in GBK."""
    text = 'id,text\n1,"联通\n\n附近的商户担心客流减少，市政府表示会给予适当补贴。"\n'
    (record,) = read(text.encode("gbk"), "a.csv")
    assert isinstance(record, Record)
    assert record.raw.startswith("联通\n")


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl"])
def test_a_doubtful_encoding_is_noted_or_rejected(name: str) -> None:
    data = pages(TEXTS["de"])[name].encode("cp1252")
    (record,) = read(data, name, doubtful_below=0.0)
    assert isinstance(record, Record)
    assert record.problems == []
    sure = record.encoding.sure
    assert 0 < sure < 1
    (kept,) = read(data, name, doubtful_below=sure)
    assert isinstance(kept, Record)
    assert kept.problems == []
    (noted,) = read(data, name, doubtful_below=min(1, sure + 0.001))
    assert isinstance(noted, Record)
    assert noted.problems == [
        (
            "field-encoding",
            f"{record.encoding.name} was detected, {sure:.2f} sure; if that is wrong, set source.encoding",
        )
    ]
    (reject,) = read(data, name, doubtful_below=1, doubtful="reject")
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.article_id) == ("doubtful-encoding", noted.article_id)
    (sound,) = read(pages(TEXTS["de"])[name].encode(), name, doubtful_below=1, doubtful="reject")
    assert isinstance(sound, Record)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_spaces_tell_the_order_of_bytes(codec: str) -> None:
    text = 'id,text\n1,"รัฐมนตรีเห็นพ้องที่จะสร้างสายการผลิตที่สองภายในสามปี แหล่งข่าวกล่าวว่าข้อเรียกร้องนั้นอ่อนกว่าที่คาดไว้"\n'
    found, encoding = decode_text(text.encode(codec), Source())
    assert (found, encoding.name) == (text, codec)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_characters_with_a_zero_byte_do_not_turn_the_order_of_bytes(order: str) -> None:
    """As U+4E00 and the wide space have one, and Latin letters the other."""
    text = "　　一个最开放的城市，一年一度的会议在这里开始。\n" + "政府说，一切都将公开，最后一次讨论一定会进行。" * 20
    found, encoding = decode_text(text.encode(order), Source())
    assert (found, encoding.name) == (text, order)
    long = "一年一度的会议，一切公开，最后一次。" * 30
    assert _detected(long.encode(order), Source()).name == order


def test_the_encoding_of_lines_is_judged_by_every_whole_line_that_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[bytes] = []
    monkeypatch.setattr(decoding, "decode_text", lambda data, _: judged.append(data) or ("", Encoding("cp1250", "set")))
    line_decoder(ANY, lambda: b"\xe6\nplain\n\xe7\n\xe8 cut o")(b"\xe5")
    line_decoder(ANY, lambda: b"")(b"\xe5")
    assert judged == [b"\xe5\n\xe6\n\xe7", b"\xe5"]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.json", "a.jsonl", "a.csv", "a.tsv", "a.xml", "a.eml"])
@pytest.mark.parametrize("written", ["utf-8", "cp1252", "ascii"])
def test_the_encoding_that_is_set_reads_every_format_whatever_else_fits(name: str, written: str) -> None:
    text = "Sinead met them in Kyiv." if written == "ascii" else "Sinéad met them in Kyiv."
    page = {
        "a.html": f"<html><body><p>{text}</p></body></html>",
        "a.json": f'[{{"text": "{text}"}}]',
        "a.jsonl": f'{{"text": "{text}"}}\n',
        "a.csv": f"id,text\n1,{text}\n",
        "a.tsv": f"id\ttext\n1\t{text}\n",
        "a.xml": f"<rss><item><description>{text}</description></item></rss>",
        "a.eml": f"Subject: News\n\n{text}",
    }.get(name, text)
    (record,) = read(page.encode(written), name, encoding="cp1252")
    assert isinstance(record, Record)
    assert record.raw.strip() == text.encode(written).decode("cp1252")
    assert record.encoding == Encoding("cp1252", "set")


@pytest.mark.parametrize(("odd", "found"), [(10, True), (11, False)])
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_words_of_two_bytes_have_at_most_one_odd_character_in_twenty(order: str, odd: int, found: bool) -> None:
    text = "ก" * (200 - odd) + "é" * odd
    assert _wide_without_zeros(text.encode(order)) == (order if found else "")
    assert _wide_without_zeros(("ก" * 2048 + "é" * 2048).encode(order)) == order  # the first of many tell
    assert _wide_without_zeros(b"") == ""


@pytest.mark.parametrize(("first", "last"), [("", "é"), ("—", "\ufffd")])
def test_the_last_byte_of_a_file_is_judged_by_the_accents_before_it(
    first: str, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_BLOCK", 4)
    (record,) = read(f"text\n{first}We met at the caf".encode() + b"\xe9", "a.csv")
    assert isinstance(record, Record)
    assert record.raw == f"{first}We met at the caf{last}"


Guess = Callable[..., None]


@pytest.fixture
def guess(monkeypatch: pytest.MonkeyPatch) -> Guess:
    """Called with name, confidence and language of each guess, it makes these the guesses of chardet."""
    import chardet

    def guess(*some: tuple[str | None, float, str]) -> None:
        names = ("encoding", "confidence", "language", "mime_type")
        found = [dict(zip(names, (*one, "image/png"), strict=True)) for one in some]
        monkeypatch.setattr(chardet, "detect_all", lambda *_, **__: list(found))

    return guess


def test_no_news_is_in_the_encoding_of_printers(guess: Guess) -> None:
    guess(("hp-roman8", 0.9, "sv"), ("windows-1252", 0.6, "sv"))
    data = "Åsa sade nej.".encode("cp1252")
    assert _detected(data, ANY) == _detected(data, Source(languages=["sv"])) == Encoding("cp1252", "detected", 0.6)
    guess(("hp-roman8", 0.9, "sv"))
    assert _detected(data, ANY).name == "hp-roman8"


def test_odd_characters_do_not_decide_between_encodings_of_two_bytes(guess: Guess) -> None:
    guess(("utf-16-le", 0.9, ""), ("utf-16-be", 0.8, ""))
    assert _detected("a\x80b".encode("utf-16-le"), ANY) == Encoding("utf-16-le", "detected", 0.9)


@pytest.mark.parametrize(
    ("good", "bad", "found"),
    [
        (5, 2, Encoding("utf-8", "detected", 0.714)),
        (7, 3, Encoding("utf-8", "detected", 0.7)),
        (6, 3, Encoding("cp1250", "detected", 0.123)),
        (1, 1, Encoding("utf-8", "detected", 0.5)),
        (0, 1, Encoding("cp1250", "detected", 0.123)),
    ],
)
def test_of_damaged_utf8_more_than_twice_as_much_is_good_or_one_byte_is_bad(
    guess: Guess, good: int, bad: int, found: Encoding
) -> None:
    guess(("windows-1250", 0.12349, "pl"))
    assert _detected("é ".encode() * good + b"\xff " * bad, ANY) == found
    assert _detected("é ".encode() * good + b"\xff " * bad + b"\0", ANY).name == "cp1250"  # no text has zeros


@pytest.mark.parametrize(("sure", "name"), [(0.9, "cp1250"), (0.89, "cp1252")])
def test_an_expected_language_outweighs_a_guess_that_is_a_tenth_surer(guess: Guess, sure: float, name: str) -> None:
    guess(("windows-1252", 1.0, "en"), ("windows-1251", sure, "ru"), ("windows-1250", sure, "pl"))
    assert _detected(b"\xe9", Source(languages=["pl"])) == Encoding(
        name, "detected", max(sure, float(name == "cp1252"))
    )


@pytest.mark.parametrize(("sure", "name"), [(0.5, "cp1252"), (0.49, "mac-roman")])
def test_fewer_oddities_outweigh_a_guess_that_is_twice_as_sure(guess: Guess, sure: float, name: str) -> None:
    guess(("mac-roman", 1.0, "en"), ("windows-1252", sure, "en"))
    assert _detected("We met at the café.".encode("cp1252"), ANY).name == name


def test_what_chardet_takes_for_no_text_may_be_words_of_two_bytes(guess: Guess) -> None:
    guess((None, 0.2, ""))
    assert _detected("ก".encode("utf-16-le"), ANY) == Encoding("utf-16-le", "detected", 0.9)
    with pytest.raises(
        NotTextError, match=r"^looks like image/png: it begins with b'\\x89PNG\\xff\\xff\\xff\\xff'$"
    ) as caught:
        _detected(b"\x89PNG" + b"\xff" * 9, ANY)
    assert caught.value.reason == "binary"


def test_plain_words_between_tildes_and_braces_are_utf8() -> None:
    assert decode_text(b"Use ~{ab here.", ANY) == ("Use ~{ab here.", Encoding("utf-8", "detected"))


def test_an_encoding_is_judged_by_the_lines_that_are_not_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_BLOCK", 10)

    def evidence(data: bytes) -> bytes:
        return _evidence(data, decoding._HIGH.search(data))

    assert evidence(b"plain\ny\xe9\n<b>\xe8</b>\nz") == b"y\xe9\n \xe8 "
    assert evidence(b"y\xe9") == b"y\xe9"
    assert evidence(b"y" * 5000 + b"\xe9\n\xe8\nplain\n\xe7") == b"y" * 4096 + b"\xe9\n\xe8"
    assert evidence(b"<p title='\xe9'>") == b"<p title='\xe9'>"
    assert evidence(b"only plain words") == b"only plain"
    assert evidence(b"\0\n\xe9\nplain words") == b"\0\n\xe9\nplain "
    assert evidence(b"y" * 4095 + b"\0\n\xe9") == b"y" * 10
    assert evidence(b"y" * 4096 + b"\0\n\xe9") == b"\xe9"


@pytest.mark.parametrize(
    ("head", "wide"),
    [
        (codecs.BOM_UTF16_LE + "中".encode("utf-16-le"), True), (codecs.BOM_UTF16_BE + "中".encode("utf-16-be"), True),
        (b"abc\0", True), (b"abcd\0", False), (codecs.BOM_UTF8 + b"{}", False), (b"", False),
    ],
)  # fmt: skip
def test_lines_of_wide_characters_begin_with_a_mark_or_have_a_zero_among_four_bytes(head: bytes, wide: bool) -> None:
    assert is_wide(head) is wide


def test_three_characters_that_are_utf8_or_one_that_reads_oddly_else_make_a_line_utf8() -> None:
    def names(text: str, name: str = "cp1252", found: str = "detected") -> list[str]:
        decoder = codecs.getincrementaldecoder(name)("replace")
        return [encoding.name for run, encoding in _runs(text.encode(), Encoding(name, found), decoder, True) if run]

    assert names("Ã Ã Ã\n") == ["utf-8"]
    assert names("Ã Ã\n") == ["cp1252"]
    assert names("aÃ©b\n") == ["utf-8"]  # a sign inside a word, if it were not
    assert names("Ã Ã Ã\n", found="set") == names("Ã Ã\n", found="declared") == ["cp1252"]
    assert names("plain\nÃ Ã Ã\nplain\nÃ Ã\n") == ["cp1252", "utf-8", "cp1252"]


def test_plain_lines_are_as_those_before_them_and_characters_go_on_in_the_next_block() -> None:
    found = Encoding("gb18030", "detected")
    decoder = codecs.getincrementaldecoder("gb18030")("replace")
    data = "ééé\nplain\n".encode() + "两座桥\n".encode("gb18030") + b"more\n" + "両".encode("gb18030")[:1]
    assert list(_runs(data, found, decoder, False)) == [
        ("", found), ("ééé\nplain\n", UTF8), ("两座桥\nmore\n", found),
    ]  # fmt: skip
    rest = "両".encode("gb18030")[1:] + b" ends\n"
    assert rest.isascii()  # and so would be a text of its own
    assert list(_runs(rest, found, decoder, True)) == [("両 ends\n", found)]


def test_blocks_are_judged_by_their_lines_that_are_not_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[bytes] = []
    monkeypatch.setattr(decoding, "decode_text", lambda data, _: judged.append(data) or ("", Encoding("cp1250", "set")))
    for data in (b"plain\n\xe6\nSin\xc3\xa9ad\n\xe7\n", b"plain\n\xe6\n\0\n", b"plain\n"):
        list(blocks(io.BytesIO(data), ANY))
    assert judged == [b"\xe6\n\xe7\n", b"plain\n\xe6\n\0\n", b"plain\n"]


def test_blocks_say_how_each_was_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_BLOCK", 4)

    def read_blocks(data: bytes, source: Source = ANY) -> list[tuple[str, Encoding]]:
        return list(blocks(io.BytesIO(data), source))

    assert read_blocks(b"") == []
    assert read_blocks(b"one\ntwo\nthree\n") == [("one\ntwo\n", UTF8), ("three\n", UTF8)]
    text = "市長は古い橋を閉鎖すると発表した。\n"
    late = read_blocks(b"plain\n" + text.encode("iso2022_jp"))
    assert ("".join(found for found, _ in late), late[0]) == (f"plain\n{text}", ("plain\n", UTF8))
    text = "Élan vital: Sinéad a été reçue.\n"
    late = read_blocks(text.encode("cp1252") + b"plain\n~{ab\n")  # what has an encoding is asked no more
    assert "".join(found for found, _ in late) == f"{text}plain\n~{{ab\n"
    assert {encoding.name for _, encoding in late} == {"cp1252"}
    some = Encoding("ascii", "set")
    assert read_blocks(b"caf\xe9\n\n\nmore\n", Source(encoding="ascii")) == [
        ("caf\ufffd\n", some._replace(name="ascii+replace")), ("\n\nmore\n", some),
    ]  # fmt: skip
