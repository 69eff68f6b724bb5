# A certificate for abroad, printed.
abroad-vaccination = Bukti vaksinasi
abroad-test = Bukti ujian negatif
abroad-recovery = Bukti pemulihan
abroad-born = Tarikh lahir
abroad-watermark = Untuk perjalanan ke luar negara
