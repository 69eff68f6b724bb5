# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Bitte Code vorzeigen.
gate-alone = Ohne Netz entschieden.
gate-alone-since = OHNE NETZ seit { $since }
gate-offline = Der Prüfdienst antwortet nicht. Die Sperre bleibt zu.
gate-no-scanner = Der Scanner ist nicht verbunden.
gate-no-gate = Dieser Bildschirm hat keine Verbindung zur Sperre.
gate-appeal = Bitte an das Personal wenden oder bei der Behörde Widerspruch einlegen, die den Code ausgestellt hat.
gate-appeal-at = Widerspruch: { $where }
gate-scanner-keyboard = Tastatur oder Feststelltaste des Scanners falsch. Bitte Personal fragen, dann erneut scannen.
gate-scanner-prefix = Der Scanner fügt vor dem Code Zeichen ein. Bitte an das Personal wenden und erneut scannen.
gate-admit = ZUTRITT
gate-refer = PRÜFEN
gate-refuse = ABGELEHNT
list-checked = Geprüft am { $when }: { $count ->
    [one] { $count } Person
   *[other] { $count } Personen
    }.
list-enter = Darf eintreten
list-person = Zum Personal
list-refused = Darf nicht eintreten
list-sums = Dürfen eintreten: { $enter }. Zum Personal: { $person }. Dürfen nicht eintreten: { $refused }.
list-again = Der Status kann sich ändern. Vor der nächsten Verwendung erneut prüfen.
list-group = Dürfen eintreten: { $enter } von { $all }
list-no-group = Ohne Gruppe
list-number = Nr.
list-name = Name
list-answer = Ergebnis
list-why = Grund
list-not-checked = Nicht geprüft
list-holder = Inhaber { $holder } des Ausstellers { $issuer }
person-unregistered = mit dieser Ausweisnummer nicht registriert
person-other-name = mit anderem Namen registriert
