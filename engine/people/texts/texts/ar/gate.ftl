# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = يرجى إظهار الرمز.
gate-alone = صدر القرار بلا شبكة.
gate-alone-since = بلا شبكة منذ { $since }
gate-offline = خدمة التحقق لا تجيب. تبقى البوابة مغلقة.
gate-no-scanner = الماسح غير متصل.
gate-no-gate = لا اتصال بين هذه الشاشة والبوابة.
gate-appeal = اسأل الموظف، أو قدّم اعتراضا إلى الجهة التي أصدرت الرمز.
gate-appeal-at = الاعتراض: { $where }
gate-scanner-keyboard = تخطيط لوحة مفاتيح الماسح أو قفل الأحرف الكبيرة خاطئ. يرجى سؤال الموظف ثم المسح مرة أخرى.
gate-scanner-prefix = يضيف الماسح أحرفا قبل الرمز. يرجى سؤال الموظف ثم المسح مرة أخرى.
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
list-enter = الدخول مسموح
list-person = مراجعة الموظف
list-refused = الدخول غير مسموح
list-sums = الدخول مسموح: { $enter }. مراجعة الموظف: { $person }. الدخول غير مسموح: { $refused }.
list-again = تتغير الحالات. تحقق مرة أخرى قبل الاستخدام التالي.
list-group = الدخول مسموح: { $enter } من { $all }
list-no-group = بلا مجموعة
list-number = رقم
list-name = الاسم
list-answer = النتيجة
list-why = السبب
list-not-checked = لم يجر التحقق
list-holder = حامل الرمز { $holder } من جهة الإصدار { $issuer }
person-unregistered = لا يوجد تسجيل برقم الوثيقة هذا
person-other-name = التسجيل باسم آخر
