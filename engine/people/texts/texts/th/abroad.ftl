# A certificate for abroad, printed.
abroad-vaccination = หลักฐานการฉีดวัคซีน
abroad-test = หลักฐานผลตรวจเป็นลบ
abroad-recovery = หลักฐานการหายป่วย
abroad-born = วันเกิด
abroad-watermark = สำหรับเดินทางไปต่างประเทศ
