"""Formulas of agencies are recognised as whole lines; sentences that begin like one stay content."""

import pytest

from builder.corpus.formulas import FORMULAS
from builder.corpus.layout import Recogniser
from builder.corpus.settings import Cleaning
from builder.corpus.trailers import ends_sentence, formula, leads_elsewhere
from builder.offsets import edit
from tests.corpus import last_lines

#: The rule that finds each formula, and the source that it names.
RECOGNISED = [
    ("(Reporting by Mari Ito and Dan Cole in Osaka; Editing by Ruth Vale)", "reporting", None),
    (
        "Reporting by A. Writer; additional reporting by B. C. Other in New York; writing by D. O'Neil; editing by "
        "E. Van Dyke",
        "reporting",
        None,
    ),
    ("(Reporting by Sinéad Baker; Writing by Lee Min-jun; Editing by Ana Sá and Jean-Luc Roy)", "reporting", None),
    ("Reporting by Reuters", "reporting", None),
    ("ABC // XYZ", "end", None),
    ("Lusa/Fim", "end", None),
    ("[e-mail]", "contact", None),
    ("hong@example.co.kr", "contact", None),
    ("(إعداد فلان للنشرة العربية - تحرير علان)", "editor", None),
    ("Photo by the AP", "credit", None),
    ("Reported by Staff", "reporting", None),
    ("(Editing by Holm)", "reporting", None),
    ("Edited by: Holm", "reporting", None),
    ("Reporting by Holm; Editing by Lind", "reporting", None),
    ("Additional reporting by Peter Holm and Eva Lind.", "reporting", None),
    ("Compiled by Nora Falk. Edited by Tom Reed.", "reporting", None),
    ("Reporting and writing by Ines Prado", "reporting", None),
    ("Graphics by Omar Haddad; Research by Lea Kern", "reporting", None),
    ("Edited by: Paul Stone", "reporting", None),
    ("Translated by Hana Mori", "reporting", None),
    ("Read the original article on Business Insider", "original", "Business Insider"),
    ("Read the original article on Business Insider, Copyright 2024", "original", "Business Insider"),
    ("Read the original article on Business Insider. Copyright 2024.", "original", "Business Insider"),
    ("Read the full story at St. Louis Ledger", "original", "St. Louis Ledger"),
    ("Read the original article.", "original", None),
    ("View the original piece in The Harbour Times.", "original", "The Harbour Times"),
    ("Read the full report here.", "original", None),
    ("This article was originally published by Grid Weekly.", "published", "Grid Weekly"),
    ("This story was originally published on Salon.com", "published", "Salon.com"),
    ("This story first appeared in The Daily Harbour on July 3, 2024.", "published", "The Daily Harbour"),
    ("This piece originally appeared in WIRED UK", "published", "WIRED UK"),
    ("First published on Mother Earth", "published", "Mother Earth"),
    ("first published on Salon.com", "published", "Salon.com"),
    ("Originally appeared in Le Monde Diplomatique", "published", None),
    ("Republished from The Conversation under a Creative Commons licence.", "published", "The Conversation"),
    (
        "This article is republished from The Conversation under a Creative Commons license. Read the original "
        "article.",
        "published",
        "The Conversation",
    ),
    ("This report was produced by Deep Water News and is republished with permission.", "published", "Deep Water News"),
    ("This essay was adapted from The Long Winter", "published", "The Long Winter"),
    ("This interview was first published in Der Spiegel", "published", "Der Spiegel"),
    ("The post Ministers agree on missiles appeared first on Harbour Wire.", "post", "Harbour Wire"),
    ("The post Who pays? first appeared on Example.org", "post", "Example.org"),
    ("Dieser Artikel erschien zuerst bei Zeit Online.", "appeared", "Zeit Online"),
    ("Dieser Text wurde zuerst auf Beispiel Heute veröffentlicht.", "appeared", "Beispiel Heute"),
    ("Cet article est paru initialement dans Courrier Exemple.", "appeared", "Courrier Exemple"),
    ("Este artículo fue publicado originalmente en The Conversation.", "appeared", "The Conversation"),
    ("Questo articolo è stato pubblicato originariamente su Il Post", "appeared", "Il Post"),
    ("This piece was originally published in German by Der Spiegel.", "published", "Der Spiegel"),
    ("This story was produced in partnership with ProPublica.", "contributed", None),
    ("This story was supported by the Pulitzer Center.", "contributed", None),
    ("This story has been updated.", "page", None),
    ("Opinions expressed here are those of the author.", "views", None),
    ("Compiled from agency reports", "assistance", None),
    ("More AP sports: https://apnews.com/sports", "follow", None),
    ("Editor: Li Wei", "editor", None),
    ("記者／李偉", "editor", None),
    ("-- Bernama", "end", None),
    ("Abonnieren Sie unseren Newsletter", "sign_up", None),
    ("Suscríbete a nuestro boletín", "sign_up", None),
    ("Cover photo: Getty Images", "credit", None),
    ("Jane Hill can be reached at jhill@paper.com.", "contact", None),
    ("Distributed by APO Group on behalf of the Ministry of Health.", "distributed", "APO Group"),
    ("Provided by SyndiGate Media Inc. (Syndigate.info).", "distributed", "SyndiGate Media Inc"),
    ("Topics: War, Economy", "page", None),
    ("Based on reporting by Reuters and AP", "words", None),
    ("This report was compiled with information from agencies.", "words", None),
    ("Material from the Associated Press was used in this report.", "words", None),
    ("By The Canadian Press", "words", None),
    ("Stay informed with our newsletter", "words", None),
    ("Von dpa", "words", None),
    ("Zum Newsletter anmelden", "words", None),
    ("Article réservé à nos abonnés", "words", None),
    ("Redacción con agencias", "words", None),
    ("(Com agências)", "words", None),
    ("По материалам РИА Новости", "words", None),
    ("Все права защищены.", "words", None),
    ("(PTI) ABC DEF", "desk", None),
    ("Published Date: Jul 29, 2024 10:02 am IST", "dated", None),
    ("Read the full story at example.org", "original", None),
    ("Watch the video above", "page", None),
    ("Te puede interesar: Los ministros se reúnen", "read_more", None),
    ("© 2024 Agency. All rights reserved.", "copyright", None),
    (
        "Copyright 2024 The Associated Press. All rights reserved. This material may not be published, broadcast, "
        "rewritten or redistributed without permission.",
        "copyright",
        None,
    ),
    ("Copyright © 2024 Harbour Wire", "copyright", None),
    ("(c) 2024 Agence Exemple", "copyright", None),
    ("© Thomson Example 2023", "copyright", None),
    ("Copyright 2022-2024 NPR. To see more, visit https://www.example.org.", "copyright", None),
    ("©2024 Example L.P.", "copyright", None),
    (
        "The-CNN-Wire™ & © 2024 Cable News Network, Inc., a Warner Bros. Discovery Company. All rights reserved.",
        "copyright",
        None,
    ),
    ("© 2024 The Example Times. Distributed by Tribune Agency, LLC.", "copyright", None),
    ("COPYRIGHT 2024 EXAMPLE MEDIA", "copyright", None),
    ("All rights reserved.", "rights", None),
    ("Alle Rechte vorbehalten.", "rights", None),
    ("Riproduzione riservata", "rights", None),
    ("Any reproduction, republication or redistribution without written consent is prohibited.", "rights", None),
    ("Reprinted with permission from the author.", "rights", None),
    ("The Associated Press contributed to this report.", "contributed", None),
    ("Associated Press writers Ann Lee in Seoul and Bo Li in Beijing contributed to this report.", "contributed", None),
    ("AP reporter Dana Fox contributed from Geneva.", "contributed", None),
    ("Reuters contributed to this story.", "contributed", None),
    ("Maria Silva contributed reporting from Lisbon.", "contributed", None),
    ("--With assistance from Ken Abe and Liu Wei.", "assistance", None),
    ("With files from The Canadian Press", "assistance", None),
    ("With inputs from PTI", "assistance", None),
    ("(With inputs from agencies)", "assistance", None),
    ("With reporting by Radio Example's Kyiv bureau", "reporting", None),
    ("Our Standards: The Thomson Reuters Trust Principles.", "standards", None),
    ("Licensing Rights", "rights", None),
    ("(This story has not been edited by Example staff and is published from a syndicated feed.)", "unedited", None),
    ("Except for the headline, this story has not been edited by our staff.", "unedited", None),
    ("This article was translated from German by a machine.", "unedited", None),
    ("The views expressed in this article are the author's own.", "views", None),
    ("Any opinions expressed here are those of the author and do not reflect those of the paper.", "views", None),
    ("Sign up for our daily newsletter here.", "sign_up", None),
    ("Subscribe to The Harbour Times for $1 a week", "sign_up", None),
    ("To read every story, subscribe to our newsletter today.", "sign_up", None),
    ("Download our app for free", "sign_up", None),
    ("Follow us on Twitter and Facebook.", "follow", None),
    ("Follow AP's coverage of the war at https://example.org/hub/war", "follow", None),
    ("Like us on Facebook", "follow", None),
    ("Follow Jane Doe on X at @janedoe", "follow", None),
    ("Read more: Japan to build more interceptors", "read_more", None),
    ("RELATED: What is a Patriot missile?", "read_more", None),
    ("See also: “Why the talks failed”", "read_more", None),
    ("Lire aussi : Les ministres réunis à Tokyo", "read_more", None),
    ("Lesen Sie auch: Was die Minister planen", "read_more", None),
    ("Читайте также: Министры договорились", "read_more", None),
    ("Contact the reporter at [e-mail].", "contact", None),
    ("Reach her at jane.doe@example.org", "contact", None),
    ("For more information, visit www.example.org", "contact", None),
    ("Source: Harbour Wire", "source", "Harbour Wire"),
    ("Quelle: dpa", "source", None),
    ("Источник: Интерфакс", "source", "Интерфакс"),
    ("来源：新华社", "source", "新华社"),
    ("Distributed by Tribune Content Agency, LLC", "published", "Tribune Content Agency"),
    ("Brought to you by The Harbour Fund", "distributed", "The Harbour Fund"),
    ("(AP)", "agency", None),
    ("Mit Material von dpa und AFP", "agency", None),
    ("(Avec AFP)", "agency", None),
    ("Con información de EFE", "agency", None),
    ("EFE jlp/mg", "agency", None),
    ("burs-sah/fg/bc", "desk", None),
    ("dpa-infocom, dpa:240729-99-123456/2", "desk", None),
    ("(Bericht von Mara Klein, redigiert von Jan Roth)", "desks", None),
    ("(Reportage Luc Martin, version française Zoé Petit, édité par Paul Blanc)", "desks", None),
    ("(Reporte de Ana Ruiz; Editado por Luis Gil)", "desks", None),
    ("___", "end", None),
    ("-30-", "end", None),
    ("ENDS", "end", None),
    ("###", "end", None),
    ("Reporting by Harbour bureaus, writing by Mari Ito, editing by Ruth Vale", "reporting", None),
    ("Ruth Vale reported from Genoa.", "contributed", None),
    ("Ruth Vale, Mari Ito and Dan Cole reported from Genoa and Osaka.", "contributed", None),
    ("AP journalists Mari Ito and Dan Cole contributed.", "contributed", None),
    ("This report by The Canadian Press was first published July 29, 2024.", "dated", "The Canadian Press"),
    ("Last updated on Tue 30 Jul 2024", "dated", None),
    ("First published on Mon 29 Jul 2024 20.02 BST", "dated", None),
    ("Ruth Vale, The Canadian Press", "credit", None),
    ("(Dan Cole/PTI)", "credit", None),
    ("Provided by SyndiGate Media Inc.", "distributed", None),
    ("Ouest-France avec AFP", "agency", None),
    ("Por Ana Ruiz", "desks", None),
    ("Originally posted on Grid Weekly", "published", "Grid Weekly"),
    ("Photo by Ruth Vale/AFP via Getty Images", "credit", None),
    ("Фото: ТАСС", "credit", None),
    ("autor: Hana Mori", "credit", None),
    ("To contact the reporter on this story: Mari Ito in Osaka at mito@example.net", "contact", None),
    ("Have a tip? Email tips@example.com", "contact", None),
    ("Quelle: hafen.de, abc/dpa", "source", None),
    ("Source: Harbour Wire and news agencies", "source", "Harbour Wire"),
    ("(Mit Agenturmaterial)", "agency", None),
    ("Le Matin avec AFP", "agency", None),
    ("Com agência Brasil", "agency", None),
    ("（责任编辑：王小明）", "editor", None),
    ("記者 王小明", "editor", None),
    ("<저작권자(c) 연합뉴스, 무단 전재-재배포 금지>", "editor", None),
    ("Advertisement", "page", None),
    ("Explore more on these topics", "page", None),
    ("(This story has been refiled to correct a name in paragraph 3)", "corrected", None),
    ("This story has been corrected to say that the vote was on Tuesday, not Wednesday.", "corrected", None),
    ("This article was amended on 29 July 2024 to clarify the number of ships.", "corrected", None),
    ("An earlier version of this article misstated the name of the harbour.", "corrected", None),
    ("Correction (July 29, 2024): An earlier version of this story misspelled a name.", "corrected", None),
    ("A version of this article appears in print on July 30, 2024, Section A, Page 8.", "printed", None),
    ("Appeared in the July 30, 2024, print edition as 'Allies Agree'.", "printed", None),
    ("From the August 3rd 2024 edition", "printed", None),
    ("(Osaka newsroom)", "reporting", None),
    ("(Lagos Newsroom; Editing by Nia Cole)", "reporting", None),
    ("(dpa) © 2024 dpa", "agency", None),
    ("(ANSA) - RIPRODUZIONE RISERVATA", "agency", None),
    ("(EFE) ab/cd/ef", "agency", None),
    ("(red, APA)", "agency", None),
    ("(Harbour/AFP)", "agency", None),
    ("(APA, 29.7.2024)", "agency", None),
    ("ABC/Reuters", "agency", None),
    ("(TT)", "agency", None),
    ("((Reuters Messaging: a.b@c.example))", "contact", None),
    ("To contact the reporter on this story: Ann Roe in Tokyo at a@b.example, Jo Lee", "contact", None),
    ("By Ann Roe (ann@b.example)", "contact", None),
    ("Если вы заметили ошибку, выделите ее и нажмите Ctrl+Enter", "contact", None),
    ("Some information in this report came from Agence France-Presse.", "contributed", None),
    ("NBC News' Ann Roe reported from Kyiv and Jo Lee from London.", "contributed", None),
    ("Contributing: The Associated Press", "contributed", None),
    ("Disclaimer: This post has been auto-published from an agency feed and was not reviewed.", "unedited", None),
    ("This article was originally published by Wharf, a nonprofit newsroom.", "published", "Wharf"),
    ("This story was first published on July 2, 2024. It was updated on July 3, 2024, to add a map.", "dated", None),
    ("Updated at 8:02 p.m. ET", "dated", None),
    ("Siga a Harbour no Instagram", "follow", None),
    ("Join Wharf's Telegram channel", "follow", None),
    ("Like what you read? Sign up for our daily newsletter.", "sign_up", None),
    ("Top image: A launcher (Reuters)", "credit", None),
    ("Fotos: dpa, Imago", "credit", None),
    ("Propos recueillis par Ana Roy", "desks", None),
    ("При использовании материалов ссылка обязательна", "rights", None),
    ("The BBC is not responsible for the content of external sites.", "standards", None),
    ("(Schluss) ab/cd", "desk", None),
    ("($1 = 157.2300 yen)", "desk", None),
]
#: Paragraphs that begin or end like a formula, a title or a summary, and are what an article says.
CONTENT = [
    "This article was amended in 1998 to let parliament dismiss the president.",
    "При коммунистах прописка была обязательна.",
    "При этом ссылки на документы не было.",
    "An earlier version of this report was leaked to the press in May.",
    "An earlier version of this report said the plant was safe.",
    "An earlier version of this column stood in Rome.",
    "This post has been updated with new guns, the general said.",
    "This column has been revised to bear the load.",
    "This report has been updated after each war.",
    "The article has been amended to include women, the court noted.",
    "This article of the constitution has been revised to allow a third term.",
    "This story has been told many times in the village.",
    "This report has been corrected twice since May, and nobody trusts it any more.",
    "This post has been vacant since the ambassador left Kyiv.",
    "This post has been filled with sandbags to stop the tanks.",
    "This column has been reinforced with steel, engineers said.",
    "This piece was revised for the orchestra in Vienna.",
    "This report was updated on the minister's desk every morning.",
    "An earlier version of this treaty failed in the Senate.",
    "An earlier version of the bill was vetoed in 2019.",
    "In an earlier version of this plan, the plant stood in Ohio.",
    "Note: the figures are from the ministry and were not checked.",
    "Correction: the market lost a tenth of its value within a week.",
    "The Gdansk newsroom was empty.",
    "Subscribe to The Daily Telegraph, his father always told him.",
    "Contributing: a duty of every citizen, the party wrote.",
    "Contributors: the taxpayers of three states paid for the bridge.",
    "Some information in this report came from the files of the secret police.",
    "Some details in this story are disputed by the family.",
    "Russia's Defense Ministry reported from Kursk.",
    "The BBC is not responsible for the collapse of the talks.",
    "The BBC is not responsible for the content of the speech.",
    "Read about our approach to peace, the ministers begged.",
    "A version of this missile flew in 2019.",
    "A version of this story has been sung in the Balkans for ages.",
    "A version of this article of the treaty was in the draft.",
    "Appeared in the dock on Monday, smiling, as the judge read the charges.",
    "Top picture: the best film of the year went to Korea.",
    "To contact the rebels, the diplomats used a radio.",
    "To contact the editors of the past, historians read letters.",
    "Posted at 10:30 on the church door, the theses changed Europe.",
    "Published at 8:00 each morning, the bulletin reached every soldier.",
    "Some footage in this report was taken by soldiers.",
    "What are you reading? Sign up for the army today.",
    "(AP) The ministers met.",
    "(Reuters) - The ministers met again on Tuesday.",
    "This article was first published in 1848 as a pamphlet.",
    "This story was first published in May 2019 and changed the law.",
    "Licensing rights were sold to Peru.",
    "Reprinted with the permission of the king, the Bible sold well.",
    "Copyright 1998. The court ruled for the author.",
    "CBS News’ biggest story came from Kyiv.",
    "Disclaimer: this post has been abandoned by the army.",
    "Our Standards: nobody had read them.",
    "Doctors Without Borders reported from Gaza.",
    "She reported from Gaza for two years.",
    "Get the vaccine now, doctors urge.",
    "Reporting by Reuters journalists was blocked in Belarus on Tuesday.",
    "Updated figures are due on Monday.",
    "First published in 1925, the novel is out of copyright.",
    "Photo: none exists.",
    "Comments by the minister angered the union.",
    "Contact between the two armies is rare.",
    "Par ailleurs, le prix du pain augmente.",
    "来源不明。",
    "Copyright law has not changed since 1976, said the judge.",
    "Copyright 2024 was the year in which the court changed its mind, she said.",
    "Copyright remains the author's for seventy years.",
    "Reporting by several outlets suggests otherwise.",
    "Reporting by Reuters last week suggests that parts are missing.",
    "Reporting by phone from the front became impossible in March.",
    "Editing by hand takes four times as long.",
    "Writing by night kept him sane, the poet recalls.",
    "Related: the ministers also promised money.",
    "Related: the talks cost him the election, his party admits.",
    "More: that is what every visitor asks for.",
    "Source: the ministry would not say.",
    "Read the original article of the treaty and you will find no such word.",
    "Read the full report and the picture changes, said the auditor.",
    "Read more books, the minister told the pupils.",
    "This article of the constitution was first published in 1949 and never changed.",
    "This story was published by a tabloid, and the court fined it.",
    "This report was published by the ministry on Monday.",
    "The report was published by the Ministry of Defence on Monday.",
    "The story first appeared in March, when nobody believed it.",
    "The article was originally published by his own brother, the court heard.",
    "The post office appeared first on the list of closures.",
    "First published in 1920, the novel is read in schools.",
    "All rights reserved for the crown were given up in 1688.",
    "All rights of the workers were respected, the company insisted.",
    "The Associated Press contributed to the spread of the rumour, he claims.",
    "Poor roads contributed to this report of delays reaching the capital late.",
    "Warm weather contributed to the fires.",
    "Smoking contributed to his death, the coroner said.",
    "With assistance from abroad the bridge was finished in a year.",
    "With reporting by the police incomplete, the numbers are estimates.",
    "With files from the ministry missing, the trial was put off.",
    "Our standards are higher than theirs, said the baker.",
    "This story has not been told before.",
    "This article has been edited out of the treaty, and nobody knows why.",
    "The views of the mountains were expressed in oil and chalk.",
    "The opinions of voters have changed little since spring.",
    "Sign up for the army, the posters said.",
    "Sign up for the draft is mandatory from January on.",
    "Subscribe to this theory and you will lose, he told investors.",
    "Subscribe to no party, his father had warned him.",
    "Follow the money, as the old detective put it.",
    "Follow us into the hall, the guide said, and they did.",
    "Like us on a bad day, the team never gave up.",
    "Join the union on Monday or leave, workers were told.",
    "Contact between the two armies broke off at noon.",
    "Contact with the crew was lost over the sea.",
    "Source of the Nile or not, the lake is drying.",
    "Distributed by hand, the leaflets reached every house.",
    "Provided by nature, the harbour needs no walls.",
    "END of the war or not, the trains run again.",
    "Ends justify means, the general believed.",
    "© was the only sign left on the torn page.",
    "“Copyright is dead,” the singer declared.",
    "“All rights reserved,” it said on the gate.",
    "By Monday, ministers had agreed.",
    "By Monday the bridge was open again.",
    "By any measure the harvest was poor.",
    "Will Japan send missiles? Nobody knows.",
    "“We have no choice.”",
    "He was gone (and so was the money).",
    "What then?",
    "It was over!",
    "Nobody came…",
    "So sagte es der Minister am Montag.",
    "„Wir haben keine Wahl.“",
    "« Nous n’avons pas le choix. »",
    "部长们周一同意了。",
    "大臣は「選択肢はない」と述べた。",
    "وافق الوزراء على ذلك، فهل يكفي؟",
    "मंत्रियों ने सोमवार को सहमति दी।",
    "Министры договорились в понедельник.",
    "Υπουργοί συμφώνησαν τη Δευτέρα.",
    "Bakanlar pazartesi günü anlaştı.",
    "The list of those who are missing:",
    "The ministers agreed on three points;",
    "- Build a second line",
    "1. The line opens in spring",
    "TOKYO, July 29 (Reuters) - Ministers agreed on Monday to build a second line",
    "KYIV (AP) — Rockets hit the port at night",
    "Ministers agreed. They meet again in spring without the press",
    "Read next to the window, the letter was hard to make out.",
    "Recommended by doctors, the herb is poison.",
    "Via dpa the news reached every desk at ten.",
    "Mit AFP sprach der Minister erst am Abend.",
    "Photo: the mayor at the opening, shortly before the storm.",
    "Translated by machines, the treaty made no sense.",
    "Produced by 300 workers, the part costs a fortune.",
    "Created by decree, the agency has no staff.",
    "Updated figures are due in June.",
    "It was created by Congress.",
    "Read: The bill passed.",
    "Next: Parliament votes on Monday.",
    "It was first published in Paris.",
    "Any use of force would end the talks.",
    "Unauthorized immigrants moved in at night.",
    "Distribution of food began on Monday.",
    "Distribution by helicopter is not permitted.",
    "No part of this building was damaged.",
    "This material is harder than steel.",
    "The views expressed in this poll are shared by most voters.",
    "Reuters data contributed to the sell-off.",
    "Register now or lose the vote.",
    "Sign up now, the army tells young men.",
    "Contact with extremists on the site Example.com led to arrests.",
    "It is available under a new driving licence that costs 40 euros.",
    "This report was taken from the ministry's safe.",
]
#: Entries of lists and tables, which end an article without being a trailer.
FRAGMENTS = [
    "The old Gdansk newsroom",
    "A newsroom without journalists",
    "Subscribe to the Monroe Doctrine",
    "Main image: a nation at peace",
    "Cover illustration: a fox",
    "Updated: 2 tanks",
    "Siga o dinheiro na Suíça",
    "Siga a estrada em silêncio",
    "Suivez la route sur dix kilomètres",
    "Suivez le guide sur la place",
    "Folgen Sie dem Fluss auf der Karte",
    "Sigue el dinero en Panamá",
    "Segui il fiume in silenzio",
    "Service: the army calls",
    "(AFP) Storm",
    "(Adds water to the soup.)",
    "(Corrects the course of the ship.)",
    "记者：你为什么辞职",
    "記者 なぜ辞めるのですか",
    "编辑 这本书很难",
    "Entretien avec AFP",
    "Scholz mit Informationen der BBC",
    "Reportage de Paris",
    "Traducción de Cervantes",
    "Ministers, Reuters",
    "Police, BBC",
    "Berlin, Paris, AFP",
    "President Biden, CNN",
    "Ministers/Reuters",
    "Interview with CNN",
    "Deal With AP",
    "Prime Minister BBC",
    "Editors at Reuters",
    "Produced in Germany",
    "Supplied by Rheinmetall",
    "Published in 1984",
    "Ran on Sunday",
    "Released by Hamas",
    "Powered by Siemens",
    "Por Dios",
    "Editing Genes",
    "Texto Sagrado",
]
BODY = [
    "The two governments agreed on Monday to build a second line for the interceptors, officials of both sides told "
    "us.",
    "It is to open within three years and to double what the first one makes, says a statement after the talks.",
    "Analysts doubt that, because the seekers come from a single factory which has been sold out for many months now.",
]


def kept(lines: list[str], language: str = "en") -> str:
    text = "\n".join(lines)
    return edit(text, Recogniser(Cleaning()).recognise(text, language=language).cuts)[0]


@pytest.mark.parametrize(("line", "name", "source"), RECOGNISED)
def test_a_formula_is_known_by_its_whole_line(line: str, name: str, source: str | None) -> None:
    found = formula(line)
    assert found is not None
    assert found.name == name
    assert source is None or found.source == source


@pytest.mark.parametrize("line", CONTENT)
def test_what_may_be_content_is_never_cut(line: str) -> None:
    assert formula(line) is None
    assert kept(["A headline of three ministers", *BODY, line]) == "\n".join([*BODY, line])
    assert kept([line, *BODY]) == "\n".join([line, *BODY])
    assert kept([line, line.lower(), *BODY]).startswith(line)


@pytest.mark.parametrize("line", FRAGMENTS)
def test_an_entry_of_a_list_at_the_end_is_never_cut(line: str) -> None:
    assert formula(line) is None
    assert kept(["A headline of three ministers", *BODY, line]) == "\n".join([*BODY, line])


@pytest.mark.parametrize(
    ("line", "below"),
    [
        ("Reporting for Duty", "Get our free newsletter"),
        ("The Daily Newsletter", "Get our free newsletter"),
        ("Must read: The Sea", "Lire aussi : La mer"),
    ],
)
def test_what_is_written_like_a_title_is_cut_only_beside_its_like(line: str, below: str) -> None:
    found = formula(line)
    assert found is not None
    assert found.doubtful
    assert kept(["A headline of three ministers", *BODY, line]) == "\n".join([*BODY, line])
    assert kept(["A headline of three ministers", *BODY, line, below]) == "\n".join(BODY)


def test_there_are_enough_examples_and_one_of_every_formula() -> None:
    assert len(RECOGNISED) >= 80
    assert len(CONTENT) >= 80
    assert {name for _, name, _ in RECOGNISED} | {"licence"} == {"words", *FORMULAS}


def test_trailers_stand_before_one_another_and_before_links() -> None:
    end = [
        "(Reporting by Mari Ito; Editing by Ruth Vale)",
        "Our Standards: The Thomson Reuters Trust Principles.",
        "Read Next",
        "Storm closes the harbour",
        "Who pays for the bridge?",
    ]
    assert kept(["A headline of three ministers", *BODY, *end]) == "\n".join(BODY)
    assert kept(["A headline of three ministers", *BODY, "Read Next", "This is a sentence."]).endswith(
        "This is a sentence."
    )
    assert leads_elsewhere("More from Harbour Wire:")
    assert not leads_elsewhere("More from the ministers, and less from us.")


@pytest.mark.parametrize("end", ["?", "!”", "…", ".) ", "。」", "؟", "।", ". »", ".\xa0»", "։"])
def test_a_sentence_ends_also_before_quotation_marks_and_brackets(end: str) -> None:
    assert ends_sentence(f"They left{end}")
    assert not ends_sentence(f"{end} They left")
    assert not ends_sentence(f"They left{end} we")


@pytest.mark.parametrize("line", ["Written by Hand", "Produced by the Machine.", "Video by Candlelight"])
def test_a_credit_to_one_word_that_may_be_a_title_stays(line: str) -> None:
    assert kept(["A headline of three ministers", *BODY, line]) == "\n".join([*BODY, line])


@pytest.mark.parametrize(
    ("line", "language"), [(line, language) for language, lines in last_lines.CONTENT.items() for line in lines]
)
def test_content_in_the_shape_of_a_formula_stays_in_every_language(line: str, language: str) -> None:
    assert kept(["A headline of three ministers", *BODY, line], language) == "\n".join([*BODY, line])


def test_nearly_all_formulas_of_agencies_and_papers_are_cut_in_every_language() -> None:
    asked = [(line, language) for language, lines in last_lines.TRAILERS.items() for line in lines]
    missed = [
        x for x, language in asked if kept(["A headline of three ministers", *BODY, x], language) != "\n".join(BODY)
    ]
    assert len(asked) >= 90
    assert missed == ["भाषा अमित रंजन"]  # in form any two words after "language"


@pytest.mark.parametrize(
    ("line", "doubtful"),
    [
        ("Written by Jane Austen", True),
        ("(Written by Jane Austen)", False),
        ("Written by Jane Austen for The Harbour Times", False),
        ("Edited by Jane Austen", True),
        ("Edited by: Jane Austen", False),
        ("Reporting by Jane Austen", False),
        ("Reporting by Austen", True),
        ("Produced by the newsroom", False),
        ("Text by Jane Austen; graphics by Ann Lee", False),
        ("Watch: The Sea at Night", True),
        ("WATCH: The Sea at Night", False),
        ("(Watch: CNN at Night)", True),
        ("Related: Two Deaths", True),
        ("Related: Storm closes three harbours", False),
        ("Published by Penguin Books", True),
        ("Published by Penguin Media", False),
        ("Published by Oxford University Press", True),
        ("First published on Mother Earth", False),
        ("First published in Mother Earth", True),
        ("This report was produced by Deep Water", True),
        ("This report was first produced by Deep Water", False),
        ("Republished with permission of Deep Water", False),
        ("Read the full story in Genesis", True),
        ("Read the full story in The Ledger", False),
        ("Follow Jane Doe on X", True),
        ("Follow Jane Doe on X at @jane", False),
        ("Follow us on X", False),
        ("Video: Ann Lee", True),
        ("Video: Reuters", False),
        ("Photo: Ann Lee", False),
        ("Photo: Nobody", True),
        ("With assistance from Brazil", True),
        ("--With assistance from Abe", False),
        ("With assistance from Ken Abe", False),
        ("With information from Ken Abe", True),
        ("With information from Reuters", False),
        ("Escrito por Ana Paz", True),
        ("Escrito por Ana Paz, editado por Luis Gil", False),
        ("CNN", True),
        ("(CNN)", False),
        ("dpa", False),
    ],
)
def test_a_form_that_lists_have_too_is_doubtful_without_brackets_or_one_of_the_media(line: str, doubtful: bool) -> None:
    found = formula(line)
    assert found is not None
    assert found.doubtful is doubtful


def test_doubtful_lines_are_cut_after_a_certain_one_and_before_one_of_their_kind() -> None:
    certain, other = "© 2024 Agency", "(Reporting by Ann Lee)"
    title = "A headline of three ministers"
    films = ["Watch: The Sea", "Read: Anna Karenina", "Listen: Kind of Blue"]
    assert kept([title, *BODY, *films]) == "\n".join([*BODY, *films])
    assert kept([title, *BODY, *films, certain]) == "\n".join([*BODY, *films])
    assert kept([title, *BODY, certain, *films]) == "\n".join(BODY)
    assert kept([title, *BODY, "Written by Jane Austen", "Edited by Bo Li", other]) == "\n".join(BODY)
    assert kept([title, *BODY, "Written by Jane Austen", "Watch: The Sea", other]) == "\n".join(
        [*BODY, "Written by Jane Austen", "Watch: The Sea"]
    )


def test_a_list_of_short_entries_after_a_heading_is_no_list_of_links() -> None:
    names = ["Most popular", "Anna", "Ben", "Carla"]
    assert kept(["A headline of three ministers", *BODY, *names]) == "\n".join([*BODY, *names])


@pytest.mark.parametrize(
    ("line", "name"), [("Read more: Minister says nothing was promised", "read_more"), ("- 30 -", "end"), ("30", None)]
)
def test_headlines_may_report_and_a_number_is_no_sign_of_the_end(line: str, name: str | None) -> None:
    found = formula(line)
    assert (found and found.name) == name


@pytest.mark.parametrize(("size", "fits"), [(400, True), (401, False)])
def test_a_formula_has_at_most_400_characters(size: int, fits: bool) -> None:
    line = "All rights reserved. " * 18
    line += f"© 2024 A{'a' * (size - len(line) - 8)}"
    assert len(line) == size
    assert (formula(line) is not None) is fits


@pytest.mark.parametrize(
    ("line", "leads"),
    [
        ("Related stories:", True),
        (f"More from {'x' * 40}", True),
        (f"More from {'x' * 41}", False),
        ("More from Harbour.", False),
        ("Related stories of the day", False),
    ],
)
def test_a_heading_over_links_is_a_whole_line_and_no_sentence(line: str, leads: bool) -> None:
    assert leads_elsewhere(line) is leads
