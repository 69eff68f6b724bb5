# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = コードを見せてください。
gate-alone = ネットワークなしで判定しました。
gate-alone-since = { $since } からネットワークなし
gate-offline = 確認サービスが応答しません。ゲートは閉じたままです。
gate-no-scanner = スキャナーが接続されていません。
gate-no-gate = この画面はゲートに接続されていません。
gate-appeal = 係員にお尋ねになるか、コードを発行した機関に異議を申し立ててください。
gate-appeal-at = 異議申し立て：{ $where }
gate-scanner-keyboard = スキャナーのキー配列か大文字固定が正しくありません。係員に尋ねてから読み取り直してください。
gate-scanner-prefix = スキャナーがコードの前に文字を加えています。係員に尋ねてから読み取り直してください。
gate-admit = 入場可
gate-refer = 係員へ
gate-refuse = 入場不可
list-checked = { $when } 確認、{ $count ->
   *[other] { $count }人
    }。
list-enter = 入場できる
list-person = 係員の対応が必要
list-refused = 入場できない
list-sums = 入場できる：{ $enter }。係員の対応が必要：{ $person }。入場できない：{ $refused }。
list-again = 状態は変わります。次に使う前にもう一度確認してください。
list-group = 入場できる：{ $all }人中 { $enter }人
list-no-group = グループなし
list-number = 番号
list-name = 氏名
list-answer = 結果
list-why = 理由
list-not-checked = 未確認
list-holder = 発行機関 { $issuer } の所持者 { $holder }
person-unregistered = この身分証番号では登録されていません
person-other-name = 別の氏名で登録されています
