# A certificate for abroad, printed.
abroad-vaccination = Impfnachweis
abroad-test = Nachweis eines negativen Tests
abroad-recovery = Genesenennachweis
abroad-born = Geburtsdatum
abroad-watermark = Für Reisen ins Ausland
