# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Покажите код.
gate-alone = Решено без сети.
gate-alone-since = БЕЗ СЕТИ с { $since }
gate-offline = Служба проверки не отвечает. Турникет остаётся закрытым.
gate-no-scanner = Сканер не подключён.
gate-no-gate = У этого экрана нет связи с турникетом.
gate-appeal = Обратитесь к сотруднику или подайте жалобу в орган, выдавший код.
gate-appeal-at = жалоба: { $where }
gate-scanner-keyboard = Неверная раскладка или Caps Lock у сканера. Обратитесь к сотруднику и приложите код снова.
gate-scanner-prefix = Сканер добавляет знаки перед кодом. Обратитесь к сотруднику и приложите код снова.
gate-admit = ПРОПУСТИТЬ
gate-refer = К СОТРУДНИКУ
gate-refuse = ОТКАЗАТЬ
list-checked = Проверено { $when }: { $count ->
    [one] { $count } человек
    [few] { $count } человека
    [many] { $count } человек
   *[other] { $count } человека
    }.
list-enter = Вход разрешён
list-person = Нужен сотрудник
list-refused = Вход запрещён
list-sums = Вход разрешён: { $enter }. Нужен сотрудник: { $person }. Вход запрещён: { $refused }.
list-again = Статусы меняются. Проверьте снова перед следующим использованием.
list-group = Вход разрешён: { $enter } из { $all }
list-no-group = Без группы
list-number = №
list-name = Имя
list-answer = Ответ
list-why = Причина
list-not-checked = Не проверено
list-holder = Владелец { $holder }, эмитент { $issuer }
person-unregistered = нет регистрации с этим номером документа
person-other-name = регистрация под другим именем
