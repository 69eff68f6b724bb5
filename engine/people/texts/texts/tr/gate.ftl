# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Kodunuzu gösteriniz.
gate-alone = Ağ olmadan karar verildi.
gate-alone-since = AĞ YOK (başlangıç: { $since })
gate-offline = Doğrulama hizmeti yanıt vermiyor. Turnike kapalı kalıyor.
gate-no-scanner = Okuyucu bağlı değil.
gate-no-gate = Bu ekranın turnikeyle bağlantısı yok.
gate-appeal = Görevliye sorunuz ya da kodu veren kuruma itiraz ediniz.
gate-appeal-at = itiraz: { $where }
gate-scanner-keyboard = Okuyucunun klavye düzeni veya Caps Lock ayarı yanlış. Görevliye sorup yeniden okutunuz.
gate-scanner-prefix = Okuyucu kodun önüne karakter ekliyor. Görevliye sorup yeniden okutunuz.
gate-admit = KABUL
gate-refer = GÖREVLİYE
gate-refuse = RET
list-checked = Denetlendi: { $when }, { $count ->
    [one] { $count } kişi
   *[other] { $count } kişi
    }.
list-enter = Girebilir
list-person = Görevli gerekli
list-refused = Giremez
list-sums = Girebilir: { $enter }. Görevli gerekli: { $person }. Giremez: { $refused }.
list-again = Durumlar değişir. Sonraki kullanımdan önce yeniden denetleyiniz.
list-group = Girebilir: { $enter } / { $all }
list-no-group = Grupsuz
list-number = No.
list-name = Ad
list-answer = Yanıt
list-why = Neden
list-not-checked = Denetlenmedi
list-holder = Kod sahibi { $holder }, kodu veren kurum { $issuer }
person-unregistered = bu kimlik numarasıyla kayıtlı değil
person-other-name = başka bir adla kayıtlı
