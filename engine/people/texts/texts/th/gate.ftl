# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = โปรดแสดงรหัส
gate-alone = ตัดสินโดยไม่มีเครือข่าย
gate-alone-since = ไม่มีเครือข่ายตั้งแต่ { $since }
gate-offline = ระบบตรวจสอบไม่ตอบสนอง ประตูยังปิดอยู่
gate-no-scanner = เครื่องสแกนไม่ได้เชื่อมต่อ
gate-no-gate = หน้าจอนี้ไม่ได้เชื่อมต่อกับประตู
gate-appeal = โปรดสอบถามเจ้าหน้าที่ หรืออุทธรณ์ต่อหน่วยงานที่ออกรหัส
gate-appeal-at = อุทธรณ์: { $where }
gate-scanner-keyboard = ผังแป้นพิมพ์หรือ Caps Lock ของเครื่องสแกนไม่ถูกต้อง โปรดสอบถามเจ้าหน้าที่แล้วสแกนใหม่
gate-scanner-prefix = เครื่องสแกนเติมอักขระหน้ารหัส โปรดสอบถามเจ้าหน้าที่แล้วสแกนใหม่
gate-admit = ให้ผ่าน
gate-refer = พบเจ้าหน้าที่
gate-refuse = ไม่ให้ผ่าน
list-checked = ตรวจเมื่อ { $when }: { $count ->
   *[other] { $count } คน
    }
list-enter = เข้าได้
list-person = ต้องพบเจ้าหน้าที่
list-refused = เข้าไม่ได้
list-sums = เข้าได้: { $enter } ต้องพบเจ้าหน้าที่: { $person } เข้าไม่ได้: { $refused }
list-again = สถานะเปลี่ยนได้ โปรดตรวจอีกครั้งก่อนใช้ครั้งต่อไป
list-group = เข้าได้: { $enter } จาก { $all }
list-no-group = ไม่มีกลุ่ม
list-number = ลำดับ
list-name = ชื่อ
list-answer = ผล
list-why = เหตุผล
list-not-checked = ยังไม่ได้ตรวจ
list-holder = ผู้ถือ { $holder } ของผู้ออก { $issuer }
person-unregistered = ไม่ได้ลงทะเบียนด้วยเลขประจำตัวนี้
person-other-name = ลงทะเบียนด้วยชื่ออื่น
