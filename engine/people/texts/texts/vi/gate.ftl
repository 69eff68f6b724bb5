# What a gate shows beside reasons: its screen, a terminal, the printed list.
gate-ready = Vui lòng xuất trình mã.
gate-alone = Đã quyết định khi không có mạng.
gate-alone-since = KHÔNG CÓ MẠNG từ { $since }
gate-offline = Dịch vụ kiểm tra không phản hồi. Cổng vẫn đóng.
gate-no-scanner = Máy quét chưa được kết nối.
gate-no-gate = Màn hình này không kết nối với cổng.
gate-appeal = Xin hỏi nhân viên, hoặc khiếu nại với cơ quan đã cấp mã.
gate-appeal-at = khiếu nại: { $where }
gate-scanner-keyboard = Bố cục bàn phím hoặc Caps Lock của máy quét bị sai. Xin hỏi nhân viên rồi quét lại.
gate-scanner-prefix = Máy quét thêm ký tự trước mã. Xin hỏi nhân viên rồi quét lại.
gate-admit = CHO VÀO
gate-refer = HỎI NHÂN VIÊN
gate-refuse = TỪ CHỐI
list-checked = Đã kiểm tra { $when }: { $count ->
   *[other] { $count } người
    }.
list-enter = Được vào
list-person = Cần gặp nhân viên
list-refused = Không được vào
list-sums = Được vào: { $enter }. Cần gặp nhân viên: { $person }. Không được vào: { $refused }.
list-again = Trạng thái thay đổi. Kiểm tra lại trước lần dùng sau.
list-group = Được vào: { $enter } trên { $all }
list-no-group = Không có nhóm
list-number = STT
list-name = Họ tên
list-answer = Kết quả
list-why = Lý do
list-not-checked = Chưa kiểm tra
list-holder = Người giữ mã { $holder } của cơ quan cấp { $issuer }
person-unregistered = chưa đăng ký với số giấy tờ này
person-other-name = đã đăng ký với tên khác
