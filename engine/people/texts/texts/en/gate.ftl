# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Show your code.
gate-alone = Decided without a network.
gate-alone-since = WITHOUT A NETWORK since { $since }
gate-offline = The engine does not answer. The gate stays shut.
gate-no-scanner = The scanner is not connected.
gate-no-gate = This screen has no connection to the gate.
gate-appeal = Ask the staff, or appeal at the authority that issued the code.
gate-appeal-at = appeal: { $where }
gate-scanner-keyboard = The scanner's keyboard layout or Caps Lock is wrong. Ask the staff, then scan again.
gate-scanner-prefix = The scanner adds characters before the code. Ask the staff, then scan again.
gate-admit = ADMIT
gate-refer = REFER
gate-refuse = REFUSE
list-checked = Checked { $when }: { $count ->
    [one] { $count } person
   *[other] { $count } people
    }.
list-enter = May enter
list-person = Needs a person
list-refused = May not enter
list-sums = May enter: { $enter }. Need a person: { $person }. May not enter: { $refused }.
list-again = Statuses change. Check again before the next use.
list-group = May enter: { $enter } of { $all }
list-no-group = Without a group
list-number = No.
list-name = Name
list-answer = Answer
list-why = Why
list-not-checked = Not checked
list-holder = Holder { $holder } of issuer { $issuer }
person-unregistered = not registered with this id number
person-other-name = registered with another name
