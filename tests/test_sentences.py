"""Sentences end where a reader of their language says that they do, and are where they are in the text."""

import pytest

from builder.sentences import sentences


def test_sentences_end_with_their_line_and_count_from_where_they_are_asked() -> None:
    assert sentences("One. Two!\n\n Three\u00a0ends ", at=10) == [(10, 14), (15, 19), (22, 32)]
    assert sentences("Plan A\u00a0. The next", "") == [(0, 8), (9, 17)]
    assert sentences("", "en") == sentences(" \n ", "en") == []


@pytest.mark.parametrize("language", ["en", "ru", "th"])
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_sentences_of_a_long_text_are_where_they_are(language: str, between: str) -> None:
    lines = [f"{word} {n}!" for n in range(2_000) for word in ("Nobody came", "Никто не пришёл", "ไม่มีใครมา")]
    text = between.join(lines)
    assert [text[a:b] for a, b in sentences(text, language)] == lines


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("ro", ["Dl. Popescu și dna Ionescu au venit.", "Au plecat."]),
        ("pl", ["Wyszedł ok. 5 rano.", "Było zimno."]),
        ("uk", ["Він живе в м. Києві на вул. Лесі.", "Це далеко."]),
        ("fr", ["MM. Roy et Petit sont là.", "Ils parlent."]),
        ("fr", ["Mgr. Roy et le gén. Dupont parlent.", "Le col.", "Il est haut."]),
        ("de", ["Die Fa. Müller baut mit der Dt. Bank.", "Sie ist im Bd. Zwei genannt."]),
        ("de", ["Im 21. Jahrhundert begann am 4. Okt. Abends ihr 2. Leben.", "Er wurde 3.", "Danach ging er."]),
        ("de", ["Vom 1. und 2. Advent bis zum 3. Dez. Montag.", "Die Plätze 1 und 2.", "Nun ist der 100. Tag."]),
        ("da", ["Den 2. Verdenskrig.", "Den 1. og 2. Division.", "Han blev 2.", "Så gik han."]),
        ("nb", ["De vant den 3. Finalen.", "Han ble 2.", "Så gikk han."]),
        ("fa", ["دکتر. احمدی و ح. روحانی آمدند.", "او رفت."]),
        ("he", ["ב. נתניהו אמר זאת.", "הוא הלך."]),
        ("ro", ["Conf. Dr. Ion, bl. A, et. Doi, a venit.", "Au plecat."]),
        ("sv", ["Mötet börjar kl. Nio enl. Säpo.", "Han kom t.ex. Anna till mötes."]),
        ("ru", ["Об этом сказал ген. Иванов в пос. Мирный, т. е. Москва.", "В Тверской обл.", "Горит лес."]),
        ("ru", ["Ушло 5 млн.", "Рублей нет."]),
        ("uk", ["Це сказав ген. Залужний на просп. Перемоги.", "Потім він пішов."]),
        ("bg", ["Ген. Иванов и адв. Петров дойдоха.", "После си тръгнаха."]),
        ("cs", ["Na tř. Míru stojí plk. Novák.", "Pak odešel."]),
        ("da", ["Chr. Hansen sælger bl.a. Danmark.", "Det er nok."]),
        ("el", ["Ο καθ. Παππάς μένει στη Λεωφ. Συγγρού.", "Ο κ. Α. Παππάς έφυγε."]),
        ("es", ["El cnel. Pérez y mons. López vinieron.", "La Cía. Minera vende."]),
        ("et", ["Kindr. Tamm tuli.", "Siis ta läks."]),
        ("fi", ["Kello oli klo. Kahdeksan.", "Sitten hän lähti."]),
        ("hr", ["Na ul. Ilica je npr. Zagreb.", "Tu je prof. Horvat."]),
        ("hu", ["Ifj. Kovács jött, kb. Száz emberrel.", "Aztán elment."]),
        ("it", ["L'on. Rossi venne.", "Poi andò via."]),
        ("lt", ["Pr. Gedimino užtverta, sakė plk. Petraitis.", "Jis išėjo."]),
        ("lv", ["Ģen. Bērziņš ieradās.", "Tad viņš aizgāja."]),
        ("nl", ["Mevr. Jansen kwam met kol. Smit.", "Toen ging ze."]),
        ("nb", ["Prof. Hansen kommer iflg. Olsen.", "Så går han."]),
        ("no", ["Evt. Hansen kommer kl. Åtte.", "Så går han."]),
        ("pl", ["Mjr. Nowak i abp. Jan byli na al. Róż m.in. Wczoraj.", "Padał deszcz."]),
        ("pt", ["A Av. Paulista fechou, disse o dep. Silva.", "Depois saiu."]),
        ("sl", ["Mag. Novak pride na ul. Mira.", "Potem gre."]),
        ("sr", ["Проф. Петровић дође у ул. Кнеза.", "Онда оде."]),
        ("tr", ["Doç. Yılmaz ve Av. Demir geldi.", "Uzun bir av.", "Sonra gitti."]),
        ("fr", ["J.-P. Roy, né le 3 janv. 1960, lit le no. 5, c.-à-d. Tout.", "Il part."]),
        ("es", ["Dña. Ana vino.", "Se fue."]),
        ("it", ["A pag. 5 e n. 7.", "Fine."]),
        ("pl", ["Kpr. Lis kupił Sp. z o.o. Kowal.", "Wyszedł."]),
        ("pt", ["A Profa. Lima leu as págs. Dez.", "Saiu."]),
        ("ro", ["Pta. Victoriei și Pța. Unirii sunt închise.", "D-na. Ana știe."]),
        ("ro", ["Sos. Kiseleff din sect. Unu, spune acad. Pop.", "Bine."]),
        ("tr", ["Uzm. Dr. Can Atatürk Bulv. Beş'te.", "Gitti."]),
        ("nl", ["Mw. Smit, d.w.z. Anna, van fam. Bos.", "Klaar."]),
        ("sv", ["Kap. Lind har tel. Nio.", "Klart."]),
        ("cs", ["Přišel mj. Novák.", "Odešel."]),
        ("hu", ["A 3. Magyar Hadsereg jött.", "Elment."]),
        ("hi", ["कीमत रु. पाँच है।", "वे गए।"]),
        ("ko", ['그는 "간다."라고 말했다.', "끝났다."]),
        ("ko", ['그는 "간다."', "그는 갔다."]),
        ("fr", ["Il hésitait…", "« Je ne sais pas… » dit-il… en partant.", "Pain, lait, etc.", "Le maire refuse."]),
        (
            "zh",
            ["他沉默了……", "然后说了一句。", "“我们走……”他说。", "“我不知道……”", "她笑了。", "他犹豫……但还是走了。"],
        ),
        ("zh", ["“走吧！”市长说。", "他问：“为什么？”", "没有人回答。"]),
        (
            "ru",
            ["Он купил хлеб и т. д.", "Потом груши и т.п.", "Вес 5 кг. нетто.", "Цена 10 руб.", "Длина 3 м.", "Всё."],
        ),
        ("ru", ["Он молчал…", "«Уходите!» — сказал он.", "Все ушли."]),
        ("de", ["Er schwieg …", "Äpfel, Birnen usw.", "Alles war frisch."]),
    ],
)
def test_abbreviations_end_no_sentence_wherever_they_are(language: str, parts: list[str]) -> None:
    text = " ".join(parts)
    assert [text[a:b] for a, b in sentences(text, language)] == parts
