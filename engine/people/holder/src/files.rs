//! The page's files, as they lie in `page`.

use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

/// A file of the page.
pub(crate) struct File {
    /// Where it is served.
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(File { path: concat!("/", $name), bytes: include_bytes!(concat!("../page/", $name)) },)*
            File { path: "/say.js", bytes: hufu_texts::SAY_MJS.as_bytes() }]
    };
}

/// Every file that is served as it is.
pub(crate) static FILES: &[File] = files! {
    "app.css" "app.js" "api.js" "bytes.js" "clock.js" "codes.js" "dom.js" "grow.js" "notices.js" "number.js" "phone.js" "qr.js"
    "screen-activate.js" "screen-checks.js" "screen-code.js" "screen-family.js" "screen-more.js" "screen-status.js" "screens.css" "sha256.js"
    "slips.js" "speak.js" "store.js" "texts.js" "tree.js" "trusted.js" "icon.svg" "icon-192.png" "icon-512.png"
};

impl File {
    /// The value of `content-type`.
    pub(crate) fn kind(&self) -> &'static str {
        match self.ending() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            _ => "application/octet-stream",
        }
    }

    fn ending(&self) -> Option<&'static str> {
        self.path.rsplit_once('.').map(|(_, ending)| ending)
    }

    /// Whether the page loads it as a module at its start.
    pub(crate) fn is_module(&self) -> bool {
        self.ending() == Some("js") && self.path != "/grow.js"
    }

    /// Whether only the system asks for it, when the page is installed.
    pub(crate) fn is_large(&self) -> bool {
        self.ending() == Some("png")
    }
}

/// The first 16 bytes of SHA-256 over `parts`, hexadecimal.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let all = parts.iter().fold(Sha256::new(), Sha256::chain_update);
    hex::encode(&all.finalize()[..16])
}

/// The name of this state of the page: another one whenever one of its files or sentences is.
pub(crate) fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let own: [&[u8]; 2] = [include_bytes!("../page/index.html"), include_bytes!("../page/sw.js")];
        let sentences = hufu_texts::Language::ALL.map(|language| crate::sentences(language).as_bytes());
        let all: Vec<&[u8]> = FILES.iter().map(|file| file.bytes).chain(own).chain(sentences).collect();
        digest(&all)
    })
}
