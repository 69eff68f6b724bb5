# A certificate for abroad, printed.
abroad-vaccination = Attestato di vaccinazione
abroad-test = Attestato di test negativo
abroad-recovery = Attestato di guarigione
abroad-born = Data di nascita
abroad-watermark = Per viaggi all’estero
