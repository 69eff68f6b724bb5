# A certificate for abroad, printed.
abroad-vaccination = 疫苗接种证明
abroad-test = 检测阴性证明
abroad-recovery = 康复证明
abroad-born = 出生日期
abroad-watermark = 供出境旅行使用
