# A certificate for abroad, printed.
abroad-vaccination = Bukti vaksinasi
abroad-test = Bukti tes negatif
abroad-recovery = Bukti kesembuhan
abroad-born = Tanggal lahir
abroad-watermark = Untuk perjalanan ke luar negeri
