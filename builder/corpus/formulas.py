"""Formulas of news agencies and papers: lines that say who wrote, published or owns an article.

Words that must be names begin with a capital, a digit or a letter of a script without capitals. `{source}` is the name
of who published it.
"""

_UPPER = r"[^\W_a-zß-öø-ÿа-яёіїєґά-ώ]"
_WORD = (
    rf"[“«\"'‘]?(?>(?:{_UPPER}\.)++(?:{_UPPER}(?!\w))?|{_UPPER}\w{{0,3}}\.(?!\w)|"
    rf"{_UPPER}[\w&'’/+@-]*+(?:\.[\w&'’/+@-]++)*+)[”»\"'’]?"
)
_OF = (
    r"(?:of|and|the|for|de|la|le|les|du|del|di|da|do|der|die|das|des|van|von|bin|al|el|y|e|et|und|i|a|at|to|in|with)\b"
)
#: A name, or several words that are written like one.
NAME = rf"(?:[Tt]he |[Oo]ur )?{_WORD}(?: (?:{_WORD}|&|{_OF})){{0,11}}(?:, (?:Inc|LLC|Ltd|L\.P)\b\.?)?"
#: One of a list of any length. What can be read in two ways each time takes for ever in the end, so it is atomic.
_LISTED = rf"(?>{NAME})"
#: People by first and last name, as bodies are named otherwise.
_FULL = rf"{_WORD} {_WORD}(?:(?:,|,? and) {_WORD} {_WORD})*"
#: A site, or authors and agencies in lower case.
_HOST = r"\w++(?:[./]\w++)++"
_DATE = (
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\b|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b|"
    r"\d{1,4}(?:st|nd|rd|th)?\b|at\b|[AaPp]\.?[Mm]\b\.?|[A-Z]{2,4}\b|[ ,.:/-])+"
)
STAFF = (
    r"(?:writers?|reporters?|correspondents?|journalists?|staff|editors?|producers?|colleagues|agenc(?:y|ies)|"
    r"newsroom|bureaus?|desk|team)\b"
)
_PEOPLE = rf"(?:[Tt]he )?(?:{_WORD}|{STAFF})(?:,? (?!\w+ by\b)(?:{_WORD}|&|{_OF}|on|from|en|em|{STAFF})){{0,40}}"
_YEAR = r"(?:19|20)\d\d(?: ?[-–] ?(?:20)?\d\d)?"
_THIS = (
    r"(?:(?:An? (?:\w+ )?version of )?[Tt]his|The following) (?:\w+ )?(?:article|story|post|piece|essay|column|report|"
    r"analysis|commentary|interview|"
    r"op-ed|content|item|text|version|dispatch|feature|excerpt|translation|opinion|video|investigation|project)"
)
_NOTED = r"(?:story|post|piece|report|headline|dispatch|article|column|caption)"
_MENDED = r"(?:re-?filed|re-?published|corrected|updated|revised|clarified|amended)"
_MENDED_BY = (
    r"(?:to (?:correct|clarify|reflect|include|add|remove|fix|say|show|state|note|indicate|attribute|make clear)|"
    r"with (?:comments?|additional|more|further|new (?:information|details)|details|"
    r"a (?:statement|response|comment)))\b"
)
#: A report may be one of which the article tells, so that an earlier version of it may say anything.
_WRONG = (
    r"(?:mis\w+|(?:\w+ ){0,2}(?:incorrectly|wrongly|mistakenly|erroneously|inaccurately)\b|"
    r"contained an? (?:\w+ )?error|omitted|(?<!report )(?:we |it )?(?:said|gave|stated|referred|described|listed)\b)"
)
_ROLE = (
    r"(?i:(?:additional |further |original |with )?(?:report(?:ing|ed)|writing|written|edit(?:ing|ed)|compiled|"
    r"translat(?:ion|ed)(?: from (?:the )?\w+)?|"
    r"graphics?|photograph(?:y|s)|production|produced|fact[- ]check(?:ing|ed)|research|redaction|"
    r"text|story|published(?= by:))(?:(?:,| and|,? &) (?:additional )?(?:report(?:ing|ed)|writing|written|"
    r"edit(?:ing|ed)|translat(?:ion|ed)))*(?: for \w+)?,? by:?)"
)
_MEDIA = (
    r"(?:Facebook|Twitter|X|Instagram|YouTube|Telegram|WhatsApp|LinkedIn|TikTok|Threads|Bluesky|Mastodon|Google News|"
    r"Flipboard|RSS|https?://\S+|@\w+)"
)
#: Agencies whose name is no common word, and words by which a body is known as one of the media.
_PRESS = r"(?:[Tt]he )?(?:Associated Press|Canadian Press|Press Association|Agence France-Presse)"
MEDIUM = (
    r"\b(?:Media|News\w*|Agency|(?<!University )Press|Wire|Content|Syndi\w+|Radio|TV|Online|Times|Journal|"
    r"(?:The \w+|Washington|York|Morning) Post|Tribune|Herald|Gazette|Guardian|Weekly|Daily|Review|Magazin\w*|"
    r"Zeitung|Chronicle|Monde|Der Spiegel|Telegraph|WIRED|Independent|Insider|Conversation)\b"
)
AGENCY = (
    r"(?:(?:[Tt]he )?(?:Associated Press|Canadian Press|Press Association|Agence France-Presse|PA|AP|AFP|"
    r"Reuters|dpa|DPA|APA|PTI|ANI|IANS|UNI|EFE|ANSA|Xinhua|Kyodo|Yonhap|TASS|ТАСС|Interfax|UPI|"
    r"CNN|BBC|VOA|RFE/RL|Anadolu|AA|PAP|ČTK|MTI|Agerpres|Lusa|LUSA|Belga|ANP|TT|NTB|STT|Ritzau|SDA|KNA|epd|SID|BNS|"
    r"ELTA|LETA|РИА Новости|Интерфакс|УНІАН|Укрінформ|AGI|Adnkronos|ATS|CP|AAP|Jiji|新华社|共同|時事|ロイター|"
    r"भाषा|पीटीआई|čtk|sda|Ansa|Keystone-SDA|Interfax-Ukraine|ritzau|TASR|Antara|Agência Brasil|(?:時事|共同)通信社?|"
    r"AFPBB News|Europa Press|EUROPA PRESS|Bernama|BERNAMA|Ukrinform|Armenpress|BelTA|Tanjug|WAFA|IRNA|Tasnim|"
    r"Télam|askanews|REUTERS|BLOOMBERG|KYODO(?: NEWS)?|Kyodo News|AFP-JIJI|JIJI(?: PRESS)?|XINHUA|연합뉴스|رويترز|"
    r"LaPresse|RIA Novosti|Интерфакс-Украина|Укринформ|УНИАН|UNIAN|tasr|Anadolu Ajansı|İHA|DHA|Deutsche Presse-Agentur|"
    r"中央社|中央通訊社|TTXVN|VNA|Al Jazeera|الجزيرة|ITAR-TASS|KCNA|KUNA|Hina|FENA|Prensa Latina|Notimex|Andina|"
    r"أ ف ب|فرانس برس|د ب أ|وام|واس|قنا|بترا|سانا))"
)
#: A photographer beside an agency.
_BESIDE = rf"(?:{_FULL}, {_PRESS}|{_UPPER}[\w.-]+(?: {_UPPER}[\w.-]+){{1,3}} ?/ ?{AGENCY})"
_AGENCIES = rf"(?:{AGENCY}|Agenturen|وكالات|agences|[Aa]gencias|agências)"
_LANGUAGE = r"(?:German|English|French|Spanish|Portuguese|Italian|Russian|Ukrainian|Arabic|Chinese|Japanese|Korean)"

FORMULAS = {
    "reporting": rf"{_ROLE} (?!.*\d{{4}}){_PEOPLE}|{_WORD}(?: {_WORD}){{0,2}} [Nn]ewsroom",
    "original": r"(?i:click (?:here )?to )?(?i:read|view|see|find) (?:the|this|our|more of the)? ?"
    r"(?i:original|full|complete|entire) ?"
    r"(?:(?:\w+ ){0,3}(?:article|story|piece|report|post|interview|version)(?: here| online)?|here|(?=(?:on|at) ))"
    r"(?: ?(?:on|at|in|from) (?!\w+day$)(?:{source}|\w++(?:\.\w++)++))?",
    "dated": rf"(?i:(?:first |last )?(?:published|updated|posted|modified)(?: on| at| date)? ?:? )(?=.*(?:19|20)\d\d)"
    rf"(?=.*\b\d\d?\b){_DATE}|"
    rf"This (?:report|article|story) by {{source}} was (?:first|originally) published (?:on )?{_DATE}|"
    rf"{_THIS} was (?:first|originally) published (?:on )?(?=.*(?:19|20)\d\d){_DATE}"
    rf"(?:It (?:was|has been) (?:last )?(?:updated|corrected)\b.{{0,200}})?|"
    rf"(?:Updated|Published|Posted|Last updated)(?: at)?:? \d{{1,2}}[:.]\d\d\b(?:{_DATE})?",
    # What was wrong in an article.
    "corrected": rf"(?:(?i:corrections?|clarification|editor['’]s note|note)(?: ?\([^()]{{3,30}}\)|, [^:]{{3,30}})?: )?"
    rf"(?:This {_NOTED} has been {_MENDED} {_MENDED_BY} .{{3,300}}|"
    rf"This {_NOTED} was {_MENDED} on (?=.{{0,30}}(?:19|20)\d\d){_DATE}.{{0,300}}|"
    rf"(?:In )?[Aa]n (?:earlier|previous) version of this {_NOTED},? {_WRONG}.{{0,300}})",
    # What else is produced, provided or created is not by its name an article.
    "published": rf"(?:(?:{_THIS} (?:was|is|has been|had been|has|first|originally) ?)?(?i:(?:originally |"
    r"first |also |previously |re-?)*(?:published|republished|reprinted|syndicated|adapted|distributed)|"
    r"(?:originally |first |previously )+(?:appeared|posted|ran))|"
    rf"{_THIS} (?:was |is |has been |had been |has |first |originally |also |previously )*(?:appeared|posted|ran|"
    r"reproduced|produced|provided|supplied|created))(?: (?:originally|first|here))?"
    rf"(?: in {_LANGUAGE})? (?:on|in|by|at|from|with|via|"
    r"through) (?!(?:\d+|\w+day)$|.*\b1\d{3}\b){source}"
    r"(?:,? (?:(?:on|in) )?(?:\w+\.? )?\d[\w ,.]{0,20}|: [A-Z“‘].{5,160}|,? and is (?:part of|co-?published) .{3,80}|"
    r", an? [^.]{0,80}(?:newsroom|outlet|organi[sz]ation|news service|publication|website|newspaper)\b[^.]{0,80})?",
    "printed": r"A version of this (?:article|essay|review|story|column) (?:appears|appeared|ran|was published) in "
    r"(?:the )?(?:.{3,40} )?(?:print|edition)\b.{0,250}|(?:This (?:article|story|piece) "
    r"[Aa]|A)ppeared in the .{3,60}print edition(?: (?:as|under the headline|with the headline)\b:? .{3,200})?|"
    r"From the [^,.]{3,20}\b(?:19|20)\d\d (?:print )?edition",
    # Where an article came from, in other languages.
    "appeared": r"(?i:dieser (?:artikel|text|beitrag) (?:erschien|ist|wurde)(?: zuerst| ursprünglich| zunächst)* "
    r"(?:bei|auf|in|im|von)|cet (?:article|entretien|texte) (?:a été publié|est paru|a paru)(?: d['’]abord| "
    r"initialement)? (?:sur|dans|par)|est[ea] (?:artículo|nota|texto|artigo|matéria|reportagem) (?:fue|foi) "
    r"publicad[oa](?: originalmente| originariamente| primero)? (?:en|por|em|no|na|pel[oa])|"
    r"quest[oa] (?:articolo|testo|intervista) è (?:stat[oa] pubblicat[oa]|apparso)(?: originariamente| per la prima "
    r"volta)? (?:su|da|in)|dit artikel (?:verscheen|is)(?: eerder| oorspronkelijk| eerst)? (?:in|op|bij|door)|"
    r"(?:artykuł|tekst) (?:ukazał się|został opublikowany)(?: pierwotnie)? (?:w|na|przez)|"
    r"(?:эта )?(?:статья|материал)(?: был[ао]?)?(?: впервые| первоначально)? опубликован[ао]? (?:в|на)) "
    r"(?!\w+day$){source}(?i: erschienen| veröffentlicht| verschenen| gepubliceerd)?",
    "post": r"The post .{1,200}(?:first appeared|appeared first) (?:on|in|at) {source}",
    "copyright": rf"(?=(?:{NAME},? ?)?[cC©(™])"
    rf"(?=.*(?:©|\([cC]\)|™|\b(?:19|20)\d\d\b)|(?i:copyright) {AGENCY}\b)"
    rf"(?:{NAME},? ?)?(?:(?i:copyright):? ?(?:©|\([cC]\))?|©|c\.(?=\d)|"
    rf"\([cC]\)|™ ?(?:and|&) ©) ?(?:{_YEAR}[.,]?)? ?(?:by )?(?:{NAME})?(?:\.?, (?:an? )?{_LISTED})*(?:,? {_YEAR})?",
    "rights": r"(?i:reproduction interdite|(?:при (?:использовании|цитировании|перепечатке)|передрук|використання|"
    r"перепечатка|использование|"
    r"while citing)\b.{0,120}\b(?:ссылк|посилання|гіперпосилання|links? to).{0,80}|"
    r"all (?:other )?rights reserved|(?:alle|tous|todos los|tutti i|todos os) (?:rechte|droits|derechos|"
    r"diritti|direitos) (?:de [\w ]{1,50} )?(?:vor|rés|res|ris)\w+|riproduzione riservata|版权所有.{0,30}|"
    r"未经.{0,12}不得.{0,8}(?:转载|轉載|使用|复制|摘编|镜像).{0,12}|無断転載.{0,15}禁.{0,5}|(?:purchase )?"
    r"licensing rights(?:, opens new tab)?|(?:do not|"
    r"no) reproduc\w+ without "
    r"(?:\w+ )?(?:permission|consent)|(?:(?:re)?printed|used|republished) (?:with|by) (?:the )?"
    r"permission\b(?:(?!, (?-i:[a-z])).){0,160}|(?:this material|no part of this|any|unauthori[sz]ed|"
    r"(?:re)?distribution|"
    r"reproduction)\b"
    r"(?=.*\b(?:reproduc|republi|redistribut|rewritten|copied|use of this))"
    r"(?=.*\b(?:permi|prohibit|forbidden|consent|may not)).{0,200})",
    "licence": r"(?:It is |It was |and is |and )?(?:(?i:(?:re)?(?:published|printed)) |licensed |shared |used |"
    r"available )?(?:here )?(?:under (?:an? |the )?(?:(?:Creative Commons|CC|open)\b.{0,40} )?[Ll]icen[cs]e|"
    r"with (?:the )?(?:kind )?permission)(?:(?!, [a-z]).){0,60}",
    "contributed": rf"{_THIS} (?:includes|contains) (?:information|reporting|material) from {_PEOPLE}|"
    rf"(?:(?:(?:Associated Press|AP) (?:writer|reporter|journalist) )?{_FULL}|{_WORD}(?=.*contributed)) "
    rf"reported from {_PEOPLE}|[Tt]his (?:article|story|piece|feature) (?:was|is) "
    rf"(?:produced|reported|supported|funded|made possible)(?: in part)? "
    rf"(?:in (?:partnership|collaboration) with|with (?:the )?(?:financial )?support (?:of|from)|by) {NAME}|"
    rf"[Ww]ire services contributed to this report|Contribut(?:ing|ors?|ed)(?: by)?: {_PEOPLE}|"
    rf"Some (?:of the )?(?:information|material|reporting|footage|details) (?:for|in) this (?:report|article|story) "
    rf"(?:came|comes|is|was)(?: provided| taken)? (?:from|by) {_PEOPLE}|"
    rf"(?:{MEDIUM}|{AGENCY}|[A-Z]{{3}} News)['’]s? {_FULL} reported from {_PEOPLE}|"
    rf"{_PEOPLE},? (?:also )?contributed (?:(?:reporting|(?:research|writing) (?=to|for))?(?: ?(?:to|for) this "
    rf"(?:report|article|story|piece|dispatch))?(?: from {_PEOPLE})?|from {_PEOPLE})|(?:Associated Press|AP|AFP|"
    rf"Reuters) .{{0,80}} contributed(?: (?:to this|from|reporting)\b.{{0,40}})?",
    "assistance": rf"-*\s?[Ww]ith (?:additional |further |agency )?(?:assistance|reporting|inputs?|contributions?|"
    rf"files|material|reports?|information) (?:from|by) {_PEOPLE}|"
    rf"(?:[Ww]ith )?(?:(?:agency|{AGENCY}|wire) (?:[Ii]nputs?|reports?))|[Ww]ith agencies|(?:(?i:compiled )?[Ff]rom |"
    rf"[Ss]taff and )(?:wire|agency|news) reports",
    "standards": r"(?:Our Standards: .{0,30}|Thomson Reuters Trust )Principles(?:\.?, opens new tab)?|"
    r"The BBC is not responsible for the content of external .{3,20}|Read about our approach to external linking|"
    r"The (?:Associated Press|AP)(?:['’]s?)? (?:[\w ,]{3,60} )?(?:is solely responsible for all content|"
    r"receives (?:financial )?support\b.{0,300})",
    "unedited": r"Only the headline .{0,20}of this report may have been reworked by .{5,200}|"
    r"(?:\(?Except for the headline, |Disclaimer: )?[Tt]his "
    r"(?=.*\b(?:edited|feed|agency|wire|syndicat|translated|machine|automat|auto-|software|AI\b))"
    r"(?:\w+ )?(?:story|article|report|copy|content|item|post) "
    r"(?:has|was|is)(?: not|n't)? ?(?:been )?(?:edited by|created from|generated|auto-?(?:generated|published)|"
    r"published (?:directly )?from|taken from|sourced from|translated (?:by|from|with)|machine).{0,140}|"
    r"Dieser (?:Artikel|Text|Beitrag|Inhalt) wurde (?:automatisiert|automatisch|maschinell)\b.{0,100}|"
    rf"Read this (?:article|story) in {_LANGUAGE}|{_THIS} was originally (?:written|published) in {_LANGUAGE}",
    "views": r"(?:(?:The|Any|All) )?(?i:views|opinions)(?: and (?:views|opinions))?(?: \w+)? (?:expressed|in this)"
    r"(?=.*\b(?:authors?|writers?|columnists?|reflect|endorse|official policy)\b).{0,240}",
    "sign_up": rf"[Ss]ubscribe to (?=.*{MEDIUM}){NAME}|"
    r"(?:[Pp]lease )?[Ss]upport (?:independent|quality|our|local) journalism\b.{0,80}|"
    r"(?:To .{0,80}, |[A-Z][^.?!]{5,60}\? )?(?:Please )?(?:(?i:sign up|subscribe|register)\b(?=.{0,140}(?i:"
    r"subscription|subscriber|newsletter|e-?mail|alerts?|briefing|updates|podcast|channel|digest|inbox)|"
    r"(?! (?:to|for) (?:the |this |an? )*(?!free)[a-z])[^,]{0,60}(?i:free|today|\$|€|£|\bnow|here)\b"
    r"(?! or\b)[^,]{0,20}$)|"
    r"(?i:sign up|subscribe|register|download|get the)\b(?=.{0,140}(?i:newsletter|e-?mail alerts?|briefing|podcast|"
    r"digest|inbox|\bapp\b))).{0,160}|(?i:abonnieren sie|melden sie sich|abonnez-vous|inscrivez-vous|"
    r"suscr[ií]b(?:ete|ase)|assine|"
    r"inscreva-se|subscreva|iscriv(?:iti|etevi)|abonneer (?:je|u)|schrijf (?:je|u) in|meld je aan|zapisz się|"
    r"zasubskrybuj|prenumerera|tilmeld dig|подпи(?:шитесь|сывайтесь)|підпи(?:шіться|суйтесь)|abone ol\w*)\b"
    r"(?=.{0,100}(?i:newsletter|infolettre|bolet[ií]n|boletim|nieuwsbrief|nyhetsbrev|nyhedsbrev|рассылк|розсилк|"
    r"bülten|kanał|канал)).{0,120}",
    "follow": rf"(?:For [^,.]{{3,50}}, )?(?:(?i:follow|like|join|find|connect with|watch|listen to) (?:us|him|her|them|"
    rf"me|our (?:page|channel|account|team)s?)|(?i:follow|find) .{{1,50}}coverage(?: \S+){{0,6}}?|"
    rf"Follow (?:{NAME}|@\w+)) ?(?:on|at|via|:) (?:our )?{_MEDIA}"
    rf"(?:(?:,|,? and|,? or| &| for| to|:| at(?= @| http)) .{{1,80}})?|"
    rf"(?i:join|follow|subscribe to) (?:our|(?=\S+['’]s ){_WORD}) {_MEDIA} (?:channel|group|page)(?: .{{0,60}})?|"
    rf"(?:More )?AP [\w ]{{2,20}}: https?://\S+|Find more AP .{{3,80}}|"
    rf"(?:Siga|Sigue|Síguenos|Suivez|Folgen Sie|Seguici|Segui|Volg)(?: [aox]s?| la| el| le)? (?:{NAME} )?"
    rf"(?:n[oa]s?|em|en|sur|auf|su|op|via) (?:el |o |la |a )?{_MEDIA}\b.{{0,60}}|"
    r"(?i:folgen sie uns|suivez[- ]nous|síguenos|siga-nos|seguici|volg ons|obserwuj nas|следите за нами|читайте нас|"
    rf"подпис\w+ на на[сш]|слідкуйте за нами|підпис\w+ на на[сш])\b"
    rf"(?:[^,]{{0,40}}(?:{_MEDIA}\b|(?i:канал|kanal|canal|соцсет|redes|social|réseaux)).{{0,60}})?",
    "read_more": r"(?i:read(?: more| next| also)?|more|also read|see also|related(?: \w+)?|watch|listen|next|up next|"
    r"don't miss|must[- ]read|also see|te puede interesar|más información|veja também|подробнее|смотрите также|zobacz "
    r"(?:też|także)|in pictures|explained|recommended|more on this|what to read next|lire aussi|à lire(?: aussi)?|"
    r"lesen sie auch|mehr zum thema|le[ae] también|leia (?:também|mais)|leggi anche|lees ook|czytaj (?:też|także|"
    r"więcej)|читайте (?:также|також)|اقرأ (?:أيضا|أيضًا|المزيد)|(?:यह|ये|इसे) भी पढ़ें|相关(?:阅读|新闻|报道)|延伸閱讀|"
    r"關連|関連(?:記事)?|관련 ?기사)\s?[:：|>»] ?[“\"'‘]?(?!\w+ (?:that|which|who)\b)"
    rf"{_UPPER}.{{0,160}}",
    "contact": r"To contact the (?:reporters?|editors?|authors?|writers?) (?:on|for|of|behind|"
    r"responsible for) this .{5,300}|"
    r"S ?E ?R ?V ?I ?C ?E ?[-:–] ?(?:https?://|www\.)\S+|"
    rf"(?:By|BY|by) {_FULL} [(\[]\S+@\S+[)\]]|.{{5,120}}Ctrl ?\+ ?Enter\b.{{0,80}}|"
    rf"{_FULL} can be (?:reached|contacted) (?:at|on|via|by) .{{0,60}}(?:@|e-mail).{{0,60}}|"
    r"(?:(?:Do you have|Have|Got) an? (?:news )?(?:tip|story|question)s?(?: for us)?\? )?(?i:reach|contact|"
    r"to contact the|e-?mail|write to|tips\?|letters:|get in touch|visit|media contact|press contact|contacts?|"
    r"for (?:more|further) (?:information|news|stories|coverage)|to see more|"
    r"for more(?! than))\b.{0,100}(?:\[e-mail\]|@\w+|"
    r"\bhttps?://\S+|\bwww\.\S+|\w\.(?:com|org|net|co\.uk|de|fr)\b)\S{0,80}(?: or [^,]{0,40}| for (?:more|"
    r"further) [^,]{0,40})?|"
    r"\[?e-mail\]?|[\w.+-]++@[\w-]++(?:\.[\w-]++)++(?:; ?\+?[\d ()-]{7,20})?|Reuters Messaging: \S+",
    "source": rf"(?i:sources?|quellen?|fuentes?|fontes?|bron|źródło(?: zdjęcia)?|по материалам|источник|джерело|"
    rf"kaynak|källa|kilde|lähde|zdroj|"
    rf"sursa|forrás|πηγή|sumber|nguồn|इनपुट|منبع|ماخذ|来源|來源|出典|المصدر|מקור|स्रोत|출처)\s?[:：] ?(?!(?i:unknown)|"
    rf"不明|未知|مجهول|불명)"
    rf"(?:{{source}}|{AGENCY}|{_HOST}|{_WORD} (?:правда|газета|новости|служба|новини))"
    rf"(?:(?:, ?| ?[/;+] ?| and )(?>{NAME}|{_HOST}|(?:news )?agencies))*",
    "credit": r"(?:Top|Featured|Cover|Header|Lead|Main) (?:image|photo|picture|illustration)s?: "
    rf"(?=.*(?:{AGENCY}|Getty|Shutterstock|©)).{{3,200}}|"
    rf"(?i:(?:(?:cover|featured|main|lead|header|top) (?=photo|image|picture))?(?:(?:photo|image|picture) "
    rf"credits?|crédits?(?: photos?)?|sursa foto|photo(?:graph)?s?|pictures?|images?|video|illustrations?|graphics?|"
    rf"fotos?|bild|автор|фото|autore?|auteur))(?: ?[:：]| by) (?!.*\d{{4}})(?:picture alliance|(?:dpa|epa|"
    rf"imago)[,/] ?{_PEOPLE}|{_PEOPLE})"
    rf"(?: alliance)?(?:/(?>dpa|{NAME}))*(?: via {NAME})?|"
    rf"(?={_BESIDE})(?!.*\d{{4}}){_BESIDE}",
    "editor": r"[(（]?(?:责任编辑|責任編輯|责编|编辑|編輯|記者|记者|本报记者|本報記者)[:：／/ ]\s?\w{2,4}"
    r"(?:[、· ]\w{2,4}){0,4}[)）]?|(?:记者|記者)\w{2,4}[／/]\w{2,6}[报報][导導道]|【翻訳編集】.{2,20}|"
    rf"Editor: (?:huaxia|{_FULL})|"
    r"사진 ?= ?\w{2,12}|<?저작권자.{0,40}|무단 ?전재.{0,20}금지|이 기사는 .{2,20} 제공했습니다|"
    r"\w{2,4} (?:기자|특파원)(?: \S+@\S+)?|"
    r"إعداد .{2,60} للنشرة العربية.{0,60}",
    "page": rf"{_THIS} has been (?:updated|corrected)(?: (?:to|with|on|at)\b.{{0,120}})?|"
    r"(?i:advertisements?|comments(?: \(\d+\))?|share this (?:article|story|page)|join the conversation|"
    r"(?:story|article) continues (?:below|after).{0,20}|continue reading|"
    r"(?:tags|topics|keywords|filed under): (?-i:[A-Z#]).{0,120}|"
    r"more stories like this are available on \S+|"
    r"this is a developing (?:news )?story[,.;]? (?:please|it|will|and will|check|more|we)\b.{0,80}|"
    r"click here (?:to|for) (?:read|see|view|sub\w*|sign|more|the|our)\b.{0,60}|explore more on these topics|"
    r"listen to more stories .{0,40}app|(?:watch|listen to|see) (?:the|our|this) (?:\w+ )?(?:video|report|interview|"
    r"podcast|clip|gallery)s?(?: report)? (?:above|below|here)|anzeige|publicité|publicidad|werbung|реклама)",
    "distributed": rf"(?:Distributed|Published|Syndicated|Brought to you|(?:Provided|Powered)(?=.*{MEDIUM})) by "
    rf"(?:the )?{{source}}(?: \([\w.]+\))?(?: on behalf of {NAME})?(?: (?:Distributed|Published) by {_LISTED})*",
    "agency": rf"(?:dpa|afp|ap|reuters|epd|kna|sid|apa)(?:/(?:dpa|afp|ap|reuters|epd|kna|sid|apa))+|/{AGENCY}/|"
    rf"(?:[A-Z]{{2,4}}/(?:{AGENCY}|wires|ANN)|{AGENCY}/(?:[A-Z]{{2,4}}|wires))|{MEDIUM}/ANN|"
    rf"Ag[eê]n[cz]i?[ae] {AGENCY}|"
    rf"(?:[Mm]it Agenturmaterial|[Cc]om (?:a )?[Aa]gência {NAME})|"
    rf"(?:(?:(?:{_WORD} {NAME}|La rédaction|\w+-\w+) )?(?:[Mm]it (?:Material|Informationen|Agenturmaterial) "
    rf"(?:von|(?:der|des) (?:\w*[Aa]gentur(?:en)?)?) ?|"
    rf"[Aa]vec |[Cc]on (?:información|informazioni) (?:de|di) |[Cc]om (?:informações|agências)(?: da| do| de)? )|"
    rf"[Mm]it |[Ww]ith |[Ss]ource |[Vv]ia |Theo |\(c\) ?|[©ⓒ] ?)?{_AGENCIES}"
    rf"(?:(?:, ?| ?/ ?|＝| and | und | et | y | e | i ){_AGENCIES})*(?:[ /-][a-z]{{2,3}}(?:[/-][a-z]{{1,4}})*)?",
    "desk": rf"(?:\(Schluss\) )?(?:(?!and/or|km/h|h(?:is|e)/)[a-z]{{2,5}}(?:-[a-z]{{2,5}})*(?:/ ?[a-z]{{1,5}}){{1,4}}/?"
    rf"(?: \({_AGENCIES}(?:, {_AGENCIES})*\))?|"
    r"(?:© ?)?dpa-infocom,? dpa:[\d-]+/\d+|dpa(?: [a-z0-9/]{2,8}){1,5}|[$€£]1 = \d[\d,]*\.\d{2,4} [\w ]{2,30}|"
    r"\(?(?:PTI|UNI|IANS|ANI|EFE)\)?(?: (?:[A-Z]{2,4}|\d{3,4})){2,5})",
    "desks": r"[Bb]ei Rückfragen wenden Sie sich bitte an .{0,20}(?:@|e-mail).{0,60}|(?i:\(?(?:bericht|reportage|"
    r"reporte|reportado|"
    r"reporting|redigiert|geschrieben|rédigé|édité|edité|"
    r"version française|editado|escrito|edición|traducido|traducción|redazione|editing|tradotto|edição|"
    r"reportagem|texto|texte|textes|testo|tekst|redacción|redaktion|mitarbeit|übersetzung|traduction|traduzione|"
    r"tradução|"
    r"vertaling|haber|muhabir|текст|перевод|переклад)(?:(?: (?:adicional|von|de|di|por|par|da|do|a cura di|"
    r"en español))+:?| ?:)) "
    rf"(?={_WORD} )(?!.*\d{{4}}){_PEOPLE}|(?:[Bb]ericht|[Rr]eportage|[Vv]ersion française|[Pp]or:?|"
    rf"[Pp]ropos recueillis par|[Rr]ecueilli par) {_FULL}",
    "end": r"(?:[A-Z]{2,4} ?// ?[A-Z]{2,4}|Lusa/[Ff]im|"
    r"END/?|ENDS|Ends|End(?:item)?|FIN|FINE|- ?30 ?-|KCNA|完|了|终|끝|[0-9a-f]{32}|[\W_]{3,}|[#*■□●◆–—-]+)",
}
