# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = أظهر رمزك من فضلك.
gate-alone = صدر القرار بلا شبكة.
gate-alone-since = بلا شبكة منذ { $since }
gate-offline = خدمة التحقق لا تجيب. تبقى البوابة مغلقة.
gate-no-scanner = الماسح غير متصل.
gate-no-gate = لا اتصال بين هذه الشاشة والبوابة.
gate-appeal = اسأل الموظف، أو قدّم اعتراضا إلى الجهة التي أصدرت الرمز.
gate-appeal-at = الاعتراض: { $where }
gate-scanner-keyboard = تخطيط لوحة مفاتيح الماسح أو قفل الأحرف الكبيرة خاطئ. اسأل الموظف ثم امسح مرة أخرى.
gate-scanner-prefix = يضيف الماسح أحرفا قبل الرمز. اسأل الموظف ثم امسح مرة أخرى.
gate-admit = مسموح
gate-refer = مراجعة
gate-refuse = مرفوض
list-checked = جرى التحقق في { $when }: { $count ->
    [zero] لا أحد
    [one] شخص واحد
    [two] شخصان
    [few] { $count } أشخاص
    [many] { $count } شخصا
   *[other] { $count } شخص
    }.
list-enter = يسمح له بالدخول
list-person = يحتاج إلى موظف
list-refused = لا يسمح له بالدخول
list-sums = يسمح لهم بالدخول: { $enter }. يحتاجون إلى موظف: { $person }. لا يسمح لهم بالدخول: { $refused }.
list-again = تتغير الحالات. تحقق مرة أخرى قبل الاستخدام التالي.
list-group = يسمح لهم بالدخول: { $enter } من { $all }
list-no-group = بلا مجموعة
list-number = رقم
list-name = الاسم
list-answer = النتيجة
list-why = السبب
list-not-checked = لم يجر التحقق
list-holder = حامل الرمز { $holder } من جهة الإصدار { $issuer }
person-unregistered = غير مسجل برقم الهوية هذا
person-other-name = مسجل باسم آخر
