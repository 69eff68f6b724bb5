//! The token that a registry knows its caller by: in a file, and nowhere else for longer than a call.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use reqwest::header::HeaderValue;

use crate::fault::ApiFault;

/// More than any token: a file of this size is another one.
const FILE_BYTES_MAX: u64 = 1024;

/// The `Authorization` header with the token in `file`, marked so that nothing prints it.
pub(crate) fn authorization(file: &Path) -> Result<HeaderValue, ApiFault> {
    let misconfigured = |what: &str| ApiFault::Misconfigured(format!("token {}: {what}", file.display()));
    let mut text = String::new();
    let read = File::open(file).and_then(|open| open.take(FILE_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| misconfigured(&error.to_string()))?;
    let token = text.trim_start_matches('\u{feff}').trim_ascii();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(misconfigured("not a token: one line as `hufu token new` prints it is expected"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| misconfigured("not a token: it does not fit a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_and_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let check = |content: &str, expected: Option<&str>| {
            std::fs::write(&file, content).unwrap();
            let header = authorization(file.path());
            assert_eq!(header.as_ref().ok().map(|value| value.to_str().unwrap()), expected, "{content:?}");
            assert!(!format!("{header:?}").contains("secret"), "{header:?}");
        };
        check("hufu_secret\n", Some("Bearer hufu_secret"));
        check("\u{feff}hufu_secret\r\n", Some("Bearer hufu_secret"));
        check("", None);
        check("hufu_secret hufu_secret", None);
        check("hufu_secret\r\nX-Header: 1", None);
        check("hufu_sécret", None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = authorization(Path::new("/no/such/file.token")).unwrap_err();
        assert!(fault.to_string().contains("/no/such/file.token"), "{fault}");
    }
}
