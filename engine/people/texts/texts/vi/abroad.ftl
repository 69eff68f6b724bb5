# A certificate for abroad, printed.
abroad-vaccination = Xác nhận tiêm vắc-xin
abroad-test = Xác nhận xét nghiệm âm tính
abroad-recovery = Xác nhận khỏi bệnh
abroad-born = Ngày sinh
abroad-watermark = Dùng khi đi nước ngoài
