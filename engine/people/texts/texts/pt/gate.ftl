# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Mostre seu código.
gate-alone = Decidido sem rede.
gate-alone-since = SEM REDE desde { $since }
gate-offline = O serviço de verificação não responde. A catraca continua fechada.
gate-no-scanner = O leitor não está conectado.
gate-no-gate = Esta tela está sem conexão com a catraca.
gate-appeal = Fale com um funcionário ou recorra à autoridade que emitiu o código.
gate-appeal-at = recurso: { $where }
gate-scanner-keyboard = O teclado ou o Caps Lock do leitor está errado. Fale com um funcionário e escaneie de novo.
gate-scanner-prefix = O leitor acrescenta caracteres antes do código. Fale com um funcionário e escaneie de novo.
gate-admit = LIBERADO
gate-refer = CONFERIR
gate-refuse = RECUSADO
list-checked = Verificado em { $when }: { $count ->
    [one] { $count } pessoa
   *[other] { $count } pessoas
    }.
list-enter = Pode entrar
list-person = Precisa de funcionário
list-refused = Não pode entrar
list-sums = Podem entrar: { $enter }. Precisam de funcionário: { $person }. Não podem entrar: { $refused }.
list-again = O status muda. Verifique de novo antes do próximo uso.
list-group = Podem entrar: { $enter } de { $all }
list-no-group = Sem grupo
list-number = Nº
list-name = Nome
list-answer = Resposta
list-why = Motivo
list-not-checked = Não verificado
list-holder = Titular { $holder } do emissor { $issuer }
person-unregistered = sem cadastro com este número de documento
person-other-name = cadastro com outro nome
