"""A second report in more languages, and the encodings that the writers of these languages used before UTF-8."""

TEXTS = {
    "bg": "Кметът на града съобщи във вторник, че старият мост ще бъде затворен до края на годината. Инженерите "
    "откриха "
    "пукнатини в две от опорите, след като реката преля през пролетта. Жителите протестират, защото обиколният път "
    "отнема "
    "повече от час. Общината обещава безплатни автобуси и нов преглед през октомври.",
    "da": "Byens borgmester oplyste tirsdag, at den gamle bro bliver lukket resten af året. Ingeniører fandt revner i "
    "to af "
    "pillerne, efter at åen gik over sine bredder i foråret. Beboerne protesterer, fordi omkørslen tager over en time. "
    "Kommunen lover gratis busser og et nyt eftersyn i oktober, når vandstanden er lavere.",
    "es": "La alcaldesa anunció el martes que el viejo puente permanecerá cerrado hasta fin de año. Los ingenieros "
    "hallaron "
    "grietas en dos pilares después de que el río se desbordara en primavera. Los vecinos protestan porque el desvío "
    "dura más de una hora. El ayuntamiento promete autobuses gratuitos y otra inspección en otoño, según explicó.",
    "et": "Linnapea teatas teisipäeval, et vana sild jääb aasta lõpuni suletuks. Insenerid leidsid kahest sambast "
    "pragusid "
    "pärast seda, kui jõgi kevadel üle kallaste tõusis. Elanikud on pahased, sest ümbersõit võtab üle tunni aja. "
    "Omavalitsus lubab tasuta busse ja uut ülevaatust oktoobris, kui veetase on madalam.",
    "fi": "Kaupunginjohtaja kertoi tiistaina, että vanha silta pysyy suljettuna vuoden loppuun. Insinöörit löysivät "
    "halkeamia kahdesta pilarista sen jälkeen, kun joki tulvi keväällä. Asukkaat ovat närkästyneitä, sillä kiertotie "
    "vie yli tunnin. Kunta lupaa ilmaisia busseja ja uuden tarkastuksen lokakuussa, kun vesi on matalammalla.",
    "hr": "Gradonačelnica je u utorak objavila da će stari most biti zatvoren do kraja godine. Inženjeri su pronašli "
    "pukotine u dva stupa nakon što se rijeka u proljeće izlila. Građani prosvjeduju jer obilazak traje duže od sat "
    "vremena. Općina obećava besplatne autobuse i novi pregled u listopadu, kad će vodostaj biti niži nego sada.",
    "it": "La sindaca ha annunciato martedì che il vecchio ponte resterà chiuso fino alla fine dell'anno. Gli "
    "ingegneri hanno "
    "trovato crepe in due piloni dopo che il fiume è straripato in primavera. Gli abitanti protestano perché la "
    "deviazione richiede più di un'ora. Il comune promette autobus gratuiti e un'altra verifica, ma non si sa quando "
    "ci sarà.",
    "lv": "Pilsētas mērs otrdien paziņoja, ka vecais tilts būs slēgts līdz gada beigām. Inženieri atrada plaisas divos "
    "balstos pēc tam, kad upe pavasarī izgāja no krastiem. Iedzīvotāji protestē, jo apbraucamais ceļš aizņem vairāk "
    "nekā stundu. Pašvaldība sola bezmaksas autobusus un jaunu pārbaudi oktobrī, kad ūdens līmenis būs zemāks.",
    "pt": "A prefeita anunciou na terça-feira que a velha ponte ficará fechada até o fim do ano. Os engenheiros "
    "encontraram "
    "rachaduras em dois pilares depois que o rio transbordou na primavera. Os moradores protestam porque o desvio leva "
    "mais de uma hora. A câmara promete ônibus gratuitos e outra inspeção em outubro, mas não há previsão de fim.",
    "sk": "Primátorka v utorok oznámila, že starý most zostane zatvorený do konca roka. Inžinieri našli trhliny v "
    "dvoch "
    "pilieroch po tom, čo sa rieka na jar vyliala z brehov. Obyvatelia protestujú, pretože obchádzka trvá viac ako "
    "hodinu. Mesto sľubuje bezplatné autobusy a ďalšiu kontrolu v októbri, keď bude hladina nižšia než teraz.",
    "sl": "Županja je v torek sporočila, da bo stari most zaprt do konca leta. Inženirji so našli razpoke v dveh "
    "stebrih, potem ko je reka spomladi prestopila bregove. Prebivalci protestirajo, ker obvoz traja več kot eno uro. "
    "Občina obljublja brezplačne avtobuse in nov pregled v oktobru, ko bo gladina nižja, kakor je zdaj.",
    "sr": "Градоначелница је у уторак објавила да ће стари мост бити затворен до краја године. Инжењери су пронашли "
    "пукотине у два стуба након што се река у пролеће излила. Грађани протестују јер обилазак траје дуже од сат "
    "времена. Општина обећава бесплатне аутобусе и нови преглед у октобру, када ће водостај бити нижи него сада.",
    "sv": "Stadens borgmästare meddelade på tisdagen att den gamla bron förblir stängd resten av året. Ingenjörer fann "
    "sprickor i två av pelarna efter att ån svämmade över i våras. Invånarna protesterar eftersom omvägen tar över en "
    "timme. Kommunen lovar gratis bussar och en ny besiktning i oktober, när vattnet står lägre än det gör nu.",
    "th": "นายกเทศมนตรีประกาศเมื่อวันอังคารว่าสะพานเก่าจะปิดจนถึงสิ้นปี วิศวกรพบรอยร้าวในเสาสองต้นหลังจากแม่น้ำล้นตลิ่งเมื่อฤดูใบไม้ผลิ "
    "ชาวบ้านประท้วงเพราะทางเบี่ยงใช้เวลามากกว่าหนึ่งชั่วโมง เทศบาลสัญญาว่าจะมีรถโดยสารฟรีและการตรวจสอบครั้งใหม่ในเดือนตุลาคม",
}
ENCODINGS = {
    "bg": ["cp1251", "iso8859-5", "mac_cyrillic"],
    "da": ["cp1252", "iso8859-1", "cp850"],
    "es": ["cp1252", "iso8859-15", "mac_roman", "cp850"],
    "et": ["cp1257", "iso8859-15"],
    "fi": ["iso8859-1", "iso8859-15", "mac_roman"],
    "hr": ["cp1250", "iso8859-2"],
    "it": ["cp1252", "mac_roman", "cp850"],
    "lv": ["cp1257", "iso8859-13"],
    "pt": ["cp1252", "iso8859-1", "cp850"],
    "sk": ["cp1250", "iso8859-2", "cp852"],
    "sl": ["cp1250", "iso8859-2", "cp852"],
    "sr": ["cp1251", "iso8859-5"],
    "sv": ["cp1252", "iso8859-1", "mac_roman"],
    "th": ["cp874", "tis-620"],
}
