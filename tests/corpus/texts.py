"""A paragraph of news in each of many languages, and the legacy encodings in which such news is found."""

TEXTS = {
    "cs": "Ministři obou zemí se v pondělí dohodli, že postaví druhou výrobní linku. Podle společného prohlášení má "
    "být "
    "hotová do tří let a zdvojnásobit dosavadní výrobu. Odborníci však pochybují, protože díly přicházejí z jediné "
    "továrny, která je už měsíce vyprodaná. Příští schůzka se uskuteční v říjnu.",
    "pl": "Ministrowie obu państw uzgodnili w poniedziałek, że zbudują drugą linię produkcyjną. Według wspólnego "
    "oświadczenia ma być gotowa w ciągu trzech lat i podwoić dotychczasową produkcję. Eksperci wątpią jednak, ponieważ "
    "części pochodzą z jednej fabryki, która od miesięcy jest wyprzedana. Następne spotkanie odbędzie się we wrześniu.",
    "hu": "A két ország miniszterei hétfőn megállapodtak, hogy második gyártósort építenek. A közös nyilatkozat "
    "szerint "
    "három éven belül elkészül, és megkétszerezi az eddigi termelést. A szakértők azonban kételkednek, mert az "
    "alkatrészek egyetlen gyárból érkeznek, amelynek készletei hónapok óta elfogytak. A következő ülés ősszel lesz.",
    "ro": "Miniștrii celor două țări au convenit luni să construiască a doua linie de producție. Potrivit declarației "
    "comune, aceasta va fi gata în trei ani și va dubla producția actuală. Experții se îndoiesc însă, fiindcă "
    "piesele vin "
    "dintr-o singură fabrică, ale cărei stocuri sunt epuizate de câteva luni. Următoarea întâlnire va avea loc în "
    "toamnă.",
    "tr": "İki ülkenin bakanları pazartesi günü ikinci bir üretim hattı kurmak üzere anlaştı. Ortak açıklamaya göre "
    "hat üç "
    "yıl içinde tamamlanacak ve bugünkü üretimi iki katına çıkaracak. Uzmanlar ise şüpheli, çünkü parçalar aylardır "
    "tükenmiş olan tek bir fabrikadan geliyor. Bir sonraki görüşme sonbaharda İstanbul’da yapılacak.",
    "lt": "Abiejų šalių ministrai pirmadienį susitarė pastatyti antrą gamybos liniją. Pasak bendro pareiškimo, ji bus "
    "baigta per trejus metus ir padvigubins dabartinę gamybą. Tačiau ekspertai abejoja, nes dalys atkeliauja iš "
    "vienintelės gamyklos, kurios atsargos jau kelis mėnesius išparduotos. Kitas susitikimas įvyks rudenį Vilniuje.",
    "de": "Die Minister beider Länder einigten sich am Montag darauf, eine zweite Fertigungslinie zu bauen. Laut der "
    "gemeinsamen Erklärung soll sie in drei Jahren fertig sein und die bisherige Menge verdoppeln. Fachleute zweifeln "
    "daran, weil die Teile aus einem einzigen Werk kommen, das seit Monaten ausverkauft ist. Über Zuschüsse wird im "
    "Frühjahr entschieden.",
    "fr": "Les ministres des deux pays se sont mis d'accord lundi pour construire une deuxième chaîne de production. "
    "Selon "
    "la déclaration commune, elle sera achevée dans trois ans et doublera les quantités actuelles. Les experts en "
    "doutent, "
    "car les pièces proviennent d'une seule usine, épuisée depuis des mois. La prochaine réunion aura lieu à l'été.",
    "ru": "Министры обеих стран договорились в понедельник построить вторую производственную линию. Согласно "
    "совместному "
    "заявлению, она будет готова через три года и удвоит нынешний выпуск. Эксперты сомневаются, поскольку детали "
    "поступают с единственного завода, запасы которого давно распроданы. Следующая встреча пройдёт осенью.",
    "uk": "Міністри обох країн домовилися в понеділок побудувати другу виробничу лінію. Згідно зі спільною заявою, її "
    "завершать за три роки, і вона подвоїть нинішній випуск. Експерти сумніваються, адже деталі надходять з єдиного "
    "заводу, запаси якого давно розпродані. Наступна зустріч відбудеться восени в Києві, її подробиці з'ясують "
    "пізніше.",
    "el": "Οι υπουργοί των δύο χωρών συμφώνησαν τη Δευτέρα να κατασκευάσουν δεύτερη γραμμή παραγωγής. Σύμφωνα με την "
    "κοινή "
    "δήλωση, θα είναι έτοιμη σε τρία χρόνια και θα διπλασιάσει τη σημερινή παραγωγή. Οι ειδικοί αμφιβάλλουν, γιατί τα "
    "εξαρτήματα προέρχονται από ένα μόνο εργοστάσιο. Η επόμενη συνάντηση θα γίνει το φθινόπωρο στην Αθήνα.",
    "ar": "اتفق وزراء البلدين يوم الاثنين على بناء خط إنتاج ثان. ووفقا للبيان المشترك سيكتمل الخط خلال ثلاث سنوات "
    "وسيضاعف "
    "الإنتاج الحالي. لكن الخبراء يشككون في ذلك لأن القطع تأتي من مصنع واحد نفدت مخزوناته منذ أشهر. وسيعقد الاجتماع "
    "المقبل "
    "في الخريف، كما قال المتحدث باسم الحكومة للصحفيين بعد انتهاء المحادثات.",
    "he": "שרי שתי המדינות הסכימו ביום שני להקים קו ייצור שני. לפי ההודעה המשותפת הוא יושלם בתוך שלוש שנים ויכפיל את "
    "הייצור "
    "הנוכחי. המומחים מטילים בכך ספק, משום שהחלקים מגיעים ממפעל יחיד שמלאיו אזלו לפני חודשים. הפגישה הבאה תתקיים "
    "בסתיו, אמר "
    "דובר הממשלה לעיתונאים לאחר השיחות.",
    "ja": "両国の閣僚は月曜日、第二の生産ラインを建設することで合意した。共同声明によると、ラインは三年以内に完成し、"
    "現在の生産量を倍増させるという。しかし専門家は、"
    "部品が数か月前から品切れの唯一の工場から届くため、これを疑問視している。"
    "次の会談は秋に東京で開かれる予定だと政府の報道官は記者団に語った。",
    "ko": "양국 장관들은 월요일 두 번째 생산 라인을 건설하기로 합의했다. 공동 성명에 따르면 이 라인은 삼 년 안에 "
    "완공되어 현재 생산량을 두 배로 늘릴 예정이다. 그러나 "
    "전문가들은 부품이 몇 달 전부터 품절된 유일한 공장에서 오기 때문에 이를 의심하고 있다. 다음 회담은 가을에 "
    "서울에서 열릴 것이라고 정부 대변인이 말했다.",
    "zh": "两国部长星期一同意建设第二条生产线。根据联合声明，该生产线将在三年内完工，并使目前的产量翻一番。"
    "但专家对此表示怀疑，因为零件来自唯一的一家工厂，而该厂的库存几个月前"
    "已经售罄。政府发言人在会谈后对记者说，下一次会议将于秋天在北京举行，届时双方还将讨论价格和运输问题。",
    "zh-Hant": "兩國部長星期一同意建設第二條生產線。根據聯合聲明，該生產線將在三年內完工，並使目前的產量加倍。"
    "但專家對此表示懷疑，因為零件來自唯一的一家工廠，而該廠的庫存幾個月前已經"
    "售罄。政府發言人在會談後對記者說，下一次會議將於秋天在臺北舉行，屆時雙方還將討論價格和運輸問題。",
}
#: Romanian in legacy encodings has cedillas for commas.
TEXTS["ro-legacy"] = TEXTS["ro"].translate(str.maketrans("șțȘȚ", "şţŞŢ"))
ENCODINGS = {
    "cs": ["cp1250", "iso8859-2"],
    "pl": ["cp1250", "iso8859-2"],
    "hu": ["cp1250", "iso8859-2"],
    "ro-legacy": ["cp1250", "iso8859-2"],
    "tr": ["cp1254", "iso8859-9"],
    "lt": ["cp1257", "iso8859-13"],
    "de": ["cp1252", "iso8859-1", "mac_roman", "cp850"],
    "fr": ["cp1252", "iso8859-15"],
    "ru": ["cp1251", "koi8-r", "iso8859-5", "cp866", "mac_cyrillic"],
    "uk": ["cp1251", "koi8-u"],
    "el": ["cp1253", "iso8859-7"],
    "ar": ["cp1256", "iso8859-6"],
    "he": ["cp1255", "iso8859-8"],
    "ja": ["cp932", "euc_jp", "iso2022_jp"],
    "ko": ["cp949", "iso2022_kr"],
    "zh": ["gb18030", "gb2312", "hz"],
    "zh-Hant": ["big5", "cp950"],
}
WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


def encodable(text: str, encoding: str) -> str:
    """The text as it would be written in an encoding that lacks typographic quotation marks."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("’", "'")
    return text


def pages(text: str) -> dict[str, str]:
    """One text as the file of each format, by name."""
    import json

    quoted = json.dumps({"id": "1", "text": text}, ensure_ascii=False)
    html = f"<html><head><title>News</title></head><body><article><p>{text}</p><p>{text}</p></article></body></html>"
    return {
        "a.txt": text,
        "a.html": html,
        "a.csv": f'id,text\n1,"{text}"\n',
        "a.jsonl": f"{quoted}\n",
        "a.json": quoted,
    }
