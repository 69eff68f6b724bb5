# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Tunjukkan kode Anda.
gate-alone = Diputuskan tanpa jaringan.
gate-alone-since = TANPA JARINGAN sejak { $since }
gate-offline = Layanan pemeriksaan tidak menjawab. Gerbang tetap tertutup.
gate-no-scanner = Pemindai tidak tersambung.
gate-no-gate = Layar ini tidak tersambung ke gerbang.
gate-appeal = Tanyakan kepada petugas, atau ajukan keberatan ke instansi yang menerbitkan kode.
gate-appeal-at = keberatan: { $where }
gate-scanner-keyboard = Tata letak papan ketik atau Caps Lock pemindai salah. Tanyakan kepada petugas, lalu pindai lagi.
gate-scanner-prefix = Pemindai menambahkan karakter sebelum kode. Tanyakan kepada petugas, lalu pindai lagi.
gate-admit = IZINKAN
gate-refer = KE PETUGAS
gate-refuse = TOLAK
list-checked = Diperiksa { $when }: { $count ->
   *[other] { $count } orang
    }.
list-enter = Boleh masuk
list-person = Perlu petugas
list-refused = Tidak boleh masuk
list-sums = Boleh masuk: { $enter }. Perlu petugas: { $person }. Tidak boleh masuk: { $refused }.
list-again = Status dapat berubah. Periksa lagi sebelum pemakaian berikutnya.
list-group = Boleh masuk: { $enter } dari { $all }
list-no-group = Tanpa kelompok
list-number = No.
list-name = Nama
list-answer = Jawaban
list-why = Alasan
list-not-checked = Tidak diperiksa
list-holder = Pemegang { $holder } dari penerbit { $issuer }
person-unregistered = tidak terdaftar dengan nomor identitas ini
person-other-name = terdaftar dengan nama lain
