# A certificate for abroad, printed.
abroad-vaccination = إثبات التطعيم
abroad-test = إثبات فحص سلبي
abroad-recovery = إثبات التعافي
abroad-born = تاريخ الميلاد
abroad-watermark = للسفر إلى الخارج
