# A certificate for abroad, printed.
abroad-vaccination = Comprobante de vacunación
abroad-test = Comprobante de prueba negativa
abroad-recovery = Comprobante de recuperación
abroad-born = Fecha de nacimiento
abroad-watermark = Para viajar al extranjero
