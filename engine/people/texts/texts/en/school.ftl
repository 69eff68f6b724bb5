# A school's page: a name list is uploaded, checked, and printed for the door.
school-title = Check a name list
school-not-set-up = The page of your school is not set up.
    .help = Ask the operator to set it up.
school-gone = This result is no longer here.
    .help = Check the list again.
school-busy = Several lists of your school are being checked.
    .help = Wait until they are done, then try again.

school-kept = The list from last time
school-kept-list = { $pupils ->
    [one] { $pupils } pupil, list of { $when }
   *[other] { $pupils } pupils, list of { $when }
}
school-check-now = Check now
school-forget = Delete this list
school-forget-what = The kept list and its results are deleted here and at the registry.
school-new = A new list
school-file = Name list (.xlsx or CSV)
school-columns = The first row names the columns: id number, name, class. The class may be missing.
school-text-cells = Format the column of id numbers as text before you enter them.
school-file-limits = At most { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} and { $size } MB.
school-upload = Upload and check
school-privacy = Id numbers and full names are not kept. Kept and printed are the line in your list, the class and the masked name.
school-sending = The list is being sent
school-ended = Your session has ended. The file is still chosen: sign in in another tab, then press the button again.
school-cut = The connection broke off. The file is still chosen: press the button again.
school-results = Results of today

school-running = The list is being checked
school-step-waiting = Waiting for another list of your school
school-step-reading = Reading the file
school-step-asking = Looking the pupils up at the registry
school-step-putting = Preparing the lists for the check
school-step-checking = Checking the pupils
school-tab = You may close this page. The check goes on, and the start page shows its result.

school-failed = The list was not checked
school-nothing-changed = Nothing was changed. The list from last time is still there.
school-go-on = Try again
school-back = Back to the start
school-registry-silent = The registry does not answer. Try again in a moment: the list does not have to be sent again.
school-registry-refuses = The registry did not accept this. Tell the operator, then try again.
school-engine-silent = No engine answers. Try again in a moment: the list does not have to be sent again.
school-roster-refused = The list as a whole was not checked: { $why } Tell the operator, then try again.
school-roster-changed = The list at the registry was changed by somebody else. Upload your list again.
school-fault = Something is wrong with this service. Tell the operator, then try again.

school-file-kind = This file cannot be read as a list. Save it as .xlsx, then upload it again.
school-file-old = This is an old spreadsheet (.xls) or one with a password. Save it as .xlsx without a password.
school-file-encoding = The characters of this CSV file cannot be told for sure. Save it as .xlsx.
school-file-empty = The file is empty, or no file was chosen.
school-file-broken = The file did not arrive whole. Upload it again.
school-file-large = The file is too large. Save the list alone, without pictures and other sheets.
school-file-rows = { $rows ->
    [one] The list has more than { $rows } row. Split it.
   *[other] The list has more than { $rows } rows. Split it.
}
school-file-columns = A column is missing. The first row must name the columns id_number (身份证号) and name (姓名).
school-file-twice = The column { $column } is there twice. Leave one of them.
school-file-sheets = Several sheets have content. Save the sheet with the list as a file of its own.
school-file-quote = In line { $line } a quotation mark is not closed. Save the list as .xlsx.
school-file-lines = No line of the list can be read.

school-result = Result
school-checked = Checked { $when }.
school-again = Statuses change: check again before the next use.
school-enter = May enter
school-person = Needs a person
school-not = May not enter
school-notfound = Not found
school-unregistered = Not registered with this id number. Compare the number with the document.
school-other-name = Registered with another name. Ask the issuer before anybody is let in.
school-print = Print, a page a class
school-print-what = Each class begins a new page. A person looks at everybody who is not under “May enter”.
school-to-result = Back to the result
school-xlsx = Download .xlsx
school-csv = Download CSV
school-pupils = Pupils
school-search = Search
school-search-what = Part of the masked name or of the class, or the line
school-class = Class
school-answer = Result
school-all = All
school-show = Show
school-found = { $pupils ->
    [one] { $pupils } pupil
   *[other] { $pupils } pupils
}
school-line = Line
school-pupil = Pupil
school-why = Reason
school-pages = Pages
school-before = Previous page
school-after = Next page
school-by-class = By class
school-no-class = Without a class
school-class-counts = { $all ->
    [one] { $enter } of { $all } may enter.
   *[other] { $enter } of { $all } may enter.
}

school-refused = { $lines ->
    [one] { $lines } line could not be read
   *[other] { $lines } lines could not be read
}
school-refused-what = Nobody in these lines was checked. A person looks at them; correct the list for the next time.
school-row-number = The id number is wrong: a digit is missing, wrong or swapped. Compare it with the document.
school-row-rounded = The spreadsheet has replaced the last digits by zeroes. Format the column as text and enter the number again.
school-row-old = The number has 15 digits. Enter the one with 18 digits.
school-row-clerk = This kind of document is taken only at the office that registers people.
school-row-cell = A field is missing or too many, or it is a formula without a result. Correct the line.
school-row-class = The class is too long or has characters that are not seen.
school-row-twice = The same id number as in line { $line }. One of the two lines is wrong.
school-row-name = The name is missing or has characters that are not seen.
