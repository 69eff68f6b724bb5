# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Mostrare il codice.
gate-alone = Deciso senza rete.
gate-alone-since = SENZA RETE dal { $since }
gate-offline = Il servizio di verifica non risponde. Il varco resta chiuso.
gate-no-scanner = Il lettore non è collegato.
gate-no-gate = Questo schermo non è collegato al varco.
gate-appeal = Chiedere al personale, o fare ricorso all’autorità che ha emesso il codice.
gate-appeal-at = ricorso: { $where }
gate-scanner-keyboard = La tastiera o il blocco maiuscole del lettore è errato. Chiedere al personale e riprovare.
gate-scanner-prefix = Il lettore aggiunge caratteri prima del codice. Chiedere al personale e riprovare.
gate-admit = AMMESSO
gate-refer = DA VEDERE
gate-refuse = RIFIUTATO
list-checked = Verificato il { $when }: { $count ->
    [one] { $count } persona
   *[other] { $count } persone
    }.
list-enter = Può entrare
list-person = Serve il personale
list-refused = Non può entrare
list-sums = Possono entrare: { $enter }. Serve il personale: { $person }. Non possono entrare: { $refused }.
list-again = Gli stati cambiano. Verificare di nuovo prima del prossimo uso.
list-group = Possono entrare: { $enter } su { $all }
list-no-group = Senza gruppo
list-number = N.
list-name = Nome
list-answer = Esito
list-why = Motivo
list-not-checked = Non verificato
list-holder = Titolare { $holder } dell’emittente { $issuer }
person-unregistered = nessuna registrazione con questo numero di documento
person-other-name = registrazione con un altro nome
