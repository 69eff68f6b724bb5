# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = 코드를 보여 주십시오.
gate-alone = 네트워크 없이 판정했습니다.
gate-alone-since = { $since }부터 네트워크 없음
gate-offline = 확인 서비스가 응답하지 않습니다. 게이트는 닫혀 있습니다.
gate-no-scanner = 스캐너가 연결되어 있지 않습니다.
gate-no-gate = 이 화면이 게이트와 연결되어 있지 않습니다.
gate-appeal = 직원에게 문의하거나 코드를 발급한 기관에 이의를 신청하십시오.
gate-appeal-at = 이의 신청: { $where }
gate-scanner-keyboard = 스캐너의 자판 배열이나 대문자 고정이 잘못되었습니다. 직원에게 문의한 뒤 다시 스캔하십시오.
gate-scanner-prefix = 스캐너가 코드 앞에 문자를 붙입니다. 직원에게 문의한 뒤 다시 스캔하십시오.
gate-admit = 입장
gate-refer = 직원 확인
gate-refuse = 거부
list-checked = { $when } 확인: { $count ->
   *[other] { $count }명
    }.
list-enter = 입장 가능
list-person = 직원 확인 필요
list-refused = 입장 불가
list-sums = 입장 가능: { $enter }. 직원 확인 필요: { $person }. 입장 불가: { $refused }.
list-again = 상태는 바뀝니다. 다음에 쓰기 전에 다시 확인하십시오.
list-group = 입장 가능: { $all }명 중 { $enter }명
list-no-group = 그룹 없음
list-number = 번호
list-name = 이름
list-answer = 결과
list-why = 이유
list-not-checked = 확인하지 않음
list-holder = 발급 기관 { $issuer }의 소지자 { $holder }
person-unregistered = 이 신분증 번호로 등록되지 않음
person-other-name = 다른 이름으로 등록됨
