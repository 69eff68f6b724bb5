# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Muestre su código.
gate-alone = Decidido sin red.
gate-alone-since = SIN RED desde { $since }
gate-offline = El servicio de verificación no responde. El acceso sigue cerrado.
gate-no-scanner = El lector no está conectado.
gate-no-gate = Esta pantalla no tiene conexión con el acceso.
gate-appeal = Consulte al personal o recurra ante la autoridad que emitió el código.
gate-appeal-at = recurso: { $where }
gate-scanner-keyboard = El teclado o el bloqueo de mayúsculas del lector está mal. Consulte al personal y escanee otra vez.
gate-scanner-prefix = El lector añade caracteres antes del código. Consulte al personal y escanee otra vez.
gate-admit = ADMITIR
gate-refer = REVISAR
gate-refuse = RECHAZAR
list-checked = Verificado el { $when }: { $count ->
    [one] { $count } persona
   *[other] { $count } personas
    }.
list-enter = Puede entrar
list-person = Requiere revisión
list-refused = No puede entrar
list-sums = Pueden entrar: { $enter }. Requieren revisión: { $person }. No pueden entrar: { $refused }.
list-again = Los estados cambian. Verifique de nuevo antes del próximo uso.
list-group = Pueden entrar: { $enter } de { $all }
list-no-group = Sin grupo
list-number = N.º
list-name = Nombre
list-answer = Respuesta
list-why = Motivo
list-not-checked = Sin verificar
list-holder = Titular { $holder } del emisor { $issuer }
person-unregistered = sin inscripción con este número de documento
person-other-name = inscripción con otro nombre
