//! Cookies: their names, how they are set, how one is found.

use http::{HeaderMap, HeaderValue, header};

/// What a cookie is for. Under TLS each name begins with `__Host-`: no other host and no plain connection can set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The secret of a session; ends with the browser.
    Session,
    /// The secret of a visitor without a session: the sign-in form is bound to it.
    Guest,
    /// A browser that signed in before.
    Browser,
    /// The language that a reader chose.
    Language,
    /// A sign-in at the organisation that is under way.
    Organisation,
}

/// Seconds of a year.
const YEAR_S: u32 = 31_536_000;

impl Cookie {
    fn name(self, is_tls: bool) -> &'static str {
        match (self, is_tls) {
            (Cookie::Session, true) => "__Host-hufu-session",
            (Cookie::Session, false) => "hufu-session",
            (Cookie::Guest, true) => "__Host-hufu-guest",
            (Cookie::Guest, false) => "hufu-guest",
            (Cookie::Browser, true) => "__Host-hufu-browser",
            (Cookie::Browser, false) => "hufu-browser",
            (Cookie::Language, true) => "__Host-hufu-language",
            (Cookie::Language, false) => "hufu-language",
            (Cookie::Organisation, true) => "__Host-hufu-organisation",
            (Cookie::Organisation, false) => "hufu-organisation",
        }
    }

    fn age_s(self) -> Option<u32> {
        match self {
            Cookie::Session | Cookie::Guest => None,
            Cookie::Browser | Cookie::Language => Some(YEAR_S),
            Cookie::Organisation => Some(600),
        }
    }

    /// The value that the browser sent.
    pub(crate) fn of(self, headers: &HeaderMap, is_tls: bool) -> Option<&str> {
        let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let name = self.name(is_tls);
        pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The header that sets it; an empty value takes it away.
    pub(crate) fn set(self, value: &str, is_tls: bool) -> Option<HeaderValue> {
        let age = match (value.is_empty(), self.age_s()) {
            (true, _) => "; Max-Age=0".to_owned(),
            (false, Some(age)) => format!("; Max-Age={age}"),
            (false, None) => String::new(),
        };
        let secure = if is_tls { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(is_tls));
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_session_cookies_belong_to_the_host_and_to_no_script() {
        let set = Cookie::Session.set("secret", true).unwrap();
        assert_eq!(set, "__Host-hufu-session=secret; Path=/; HttpOnly; SameSite=Lax; Secure");
        let gone = Cookie::Session.set("", false).unwrap();
        assert_eq!(gone, "hufu-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        let headers: HeaderMap =
            [(header::COOKIE, HeaderValue::from_static("a=1; hufu-session=x=y; b"))].into_iter().collect();
        assert_eq!(Cookie::Session.of(&headers, false), Some("x=y"));
        assert_eq!(Cookie::Session.of(&headers, true), None, "a plain cookie is no session under TLS");
    }
}
