# A certificate for abroad, printed.
abroad-vaccination = ワクチン接種証明書
abroad-test = 検査陰性証明書
abroad-recovery = 回復証明書
abroad-born = 生年月日
abroad-watermark = 海外渡航用
