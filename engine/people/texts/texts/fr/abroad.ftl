# A certificate for abroad, printed.
abroad-vaccination = Preuve de vaccination
abroad-test = Preuve de test négatif
abroad-recovery = Preuve de rétablissement
abroad-born = Date de naissance
abroad-watermark = Pour voyager à l’étranger
