# A certificate for abroad, printed.
abroad-vaccination = Подтверждение вакцинации
abroad-test = Подтверждение отрицательного теста
abroad-recovery = Подтверждение выздоровления
abroad-born = Дата рождения
abroad-watermark = Для поездок за границу
