# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Présentez votre code.
gate-alone = Décidé sans réseau.
gate-alone-since = SANS RÉSEAU depuis { $since }
gate-offline = Le service de contrôle ne répond pas. Le portique reste fermé.
gate-no-scanner = Le lecteur n’est pas connecté.
gate-no-gate = Cet écran n’a pas de liaison avec le portique.
gate-appeal = Adressez-vous au personnel, ou déposez un recours auprès de l’autorité qui a émis le code.
gate-appeal-at = recours : { $where }
gate-scanner-keyboard = Clavier ou verrouillage majuscules du lecteur mal réglé. Voyez le personnel, puis recommencez.
gate-scanner-prefix = Le lecteur ajoute des caractères avant le code. Adressez-vous au personnel, puis recommencez.
gate-admit = ADMIS
gate-refer = À VOIR
gate-refuse = REFUSÉ
list-checked = Contrôlé le { $when } : { $count ->
    [one] { $count } personne
   *[other] { $count } personnes
    }.
list-enter = Peut entrer
list-person = À voir avec le personnel
list-refused = Ne peut pas entrer
list-sums = Peuvent entrer : { $enter }. À voir avec le personnel : { $person }. Ne peuvent pas entrer : { $refused }.
list-again = Les statuts changent. Contrôlez à nouveau avant la prochaine utilisation.
list-group = Peuvent entrer : { $enter } sur { $all }
list-no-group = Sans groupe
list-number = N°
list-name = Nom
list-answer = Réponse
list-why = Motif
list-not-checked = Non contrôlé
list-holder = Titulaire { $holder } de l’émetteur { $issuer }
person-unregistered = pas d’inscription avec ce numéro de document
person-other-name = inscription sous un autre nom
