# A certificate for abroad, printed.
abroad-vaccination = Comprovante de vacinação
abroad-test = Comprovante de teste negativo
abroad-recovery = Comprovante de recuperação
abroad-born = Data de nascimento
abroad-watermark = Para viagem ao exterior
