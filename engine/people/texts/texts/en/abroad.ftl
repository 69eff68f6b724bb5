# A certificate for abroad, printed.
abroad-vaccination = Proof of vaccination
abroad-test = Proof of a negative test
abroad-recovery = Proof of recovery
abroad-born = Date of birth
abroad-watermark = For travel abroad
