# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Tunjukkan kod anda.
gate-alone = Diputuskan tanpa rangkaian.
gate-alone-since = TANPA RANGKAIAN sejak { $since }
gate-offline = Perkhidmatan semakan tidak menjawab. Pintu kekal tertutup.
gate-no-scanner = Pengimbas tidak disambungkan.
gate-no-gate = Skrin ini tiada sambungan ke pintu.
gate-appeal = Tanya kakitangan, atau buat rayuan kepada pihak berkuasa yang mengeluarkan kod.
gate-appeal-at = rayuan: { $where }
gate-scanner-keyboard = Susun atur papan kekunci atau Caps Lock pengimbas salah. Tanya kakitangan, kemudian imbas semula.
gate-scanner-prefix = Pengimbas menambah aksara sebelum kod. Tanya kakitangan, kemudian imbas semula.
gate-admit = BENARKAN
gate-refer = RUJUK
gate-refuse = TOLAK
list-checked = Disemak { $when }: { $count ->
   *[other] { $count } orang
    }.
list-enter = Boleh masuk
list-person = Perlu kakitangan
list-refused = Tidak boleh masuk
list-sums = Boleh masuk: { $enter }. Perlu kakitangan: { $person }. Tidak boleh masuk: { $refused }.
list-again = Status berubah. Semak semula sebelum penggunaan seterusnya.
list-group = Boleh masuk: { $enter } daripada { $all }
list-no-group = Tanpa kumpulan
list-number = Bil.
list-name = Nama
list-answer = Jawapan
list-why = Sebab
list-not-checked = Tidak disemak
list-holder = Pemegang { $holder } bagi pengeluar { $issuer }
person-unregistered = tidak berdaftar dengan nombor pengenalan ini
person-other-name = berdaftar dengan nama lain
