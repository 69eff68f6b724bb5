# A certificate for abroad, printed.
abroad-vaccination = 예방접종 증명서
abroad-test = 음성 검사 증명서
abroad-recovery = 회복 증명서
abroad-born = 생년월일
abroad-watermark = 해외여행용
