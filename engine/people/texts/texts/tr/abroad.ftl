# A certificate for abroad, printed.
abroad-vaccination = Aşı belgesi
abroad-test = Negatif test belgesi
abroad-recovery = İyileşme belgesi
abroad-born = Doğum tarihi
abroad-watermark = Yurt dışı seyahat için
