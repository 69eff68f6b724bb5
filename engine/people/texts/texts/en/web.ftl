# What every page has: menus, signing in, problems. `.help` says what to do.
web-skip = Skip to the content
web-menu = Menu
web-language = Language
web-home = Start page
web-sign-in = Sign in
web-sign-out = Sign out
web-name = Name
web-password = Password
web-wrong = The name or the password is wrong.
web-locked = { $minutes ->
    [one] Too many attempts. Try again in { $minutes } minute.
   *[other] Too many attempts. Try again in { $minutes } minutes.
}
web-organisation = Sign in with your organisation
web-organisation-refused = Your organisation did not confirm you. Try again.
web-organisation-no-role = Your account has no access to these pages. Ask the operator for it.
web-organisation-silent = The sign-in service of your organisation does not answer. Try again later.
web-ended = Your session has ended. Sign in again: what you typed is kept.
    .help = Sign in and open the page again.
web-ended-file = Your session has ended. Sign in again, then choose the file again.
web-kept = Send again
web-kept-back = You are signed in again. Nothing you typed is lost.
web-kept-send = Send what I typed
web-kept-drop = Do not send
web-other-tab = You signed in again in another tab. Nothing you typed is lost.
web-stale = This form was too old and was not sent.
    .help = Open the page again.
web-foreign = This form did not come from these pages. Nothing was done.
    .help = Open the page here and fill in the form again.
web-forbidden = You have no access to this page.
    .help = Ask the operator if you need it.
web-missing = This page does not exist.
    .help = Check the address, or begin at the start page.
web-large = The file is too large.
    .help = Send a smaller one, or several.
web-busy = Too many requests at once.
    .help = Wait a moment, then try again.
web-unread = This request could not be read.
    .help = Go back and try again.
web-fault = Something went wrong here.
    .help = Try again. If it happens again, tell the operator.
