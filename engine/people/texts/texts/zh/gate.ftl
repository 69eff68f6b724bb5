# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = 请出示码。
gate-alone = 无网络，由闸机自行判断。
gate-alone-since = 自 { $since } 起没有网络
gate-offline = 核验服务没有应答，闸机保持关闭。
gate-no-scanner = 扫码器未连接。
gate-no-gate = 此屏幕未与闸机连接。
gate-appeal = 如有异议，请询问工作人员，或向发码机关申诉。
gate-appeal-at = 申诉：{ $where }
gate-scanner-keyboard = 扫码器的键盘布局或大小写锁定有误，请工作人员处理后重新扫码。
gate-scanner-prefix = 扫码器在码前添加了字符，请工作人员处理后重新扫码。
gate-admit = 放行
gate-refer = 人工
gate-refuse = 拒绝
list-checked = { $when } 核验，共 { $count ->
   *[other] { $count } 人
    }。
list-enter = 可以进入
list-person = 需人工处理
list-refused = 不可进入
list-sums = 可以进入：{ $enter }。需人工处理：{ $person }。不可进入：{ $refused }。
list-again = 状态会变化，下次使用前请重新核验。
list-group = 可以进入：{ $enter } / { $all }
list-no-group = 未分组
list-number = 行号
list-name = 姓名
list-answer = 结果
list-why = 原因
list-not-checked = 未核验
list-holder = 签发机构 { $issuer } 的持码人 { $holder }
person-unregistered = 此证件号码未登记
person-other-name = 登记的姓名不同
