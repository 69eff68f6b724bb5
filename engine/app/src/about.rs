//! What this binary is and what it runs on: for `--version`, the first log lines and every report.

use std::fmt::Write as _;
use std::sync::OnceLock;

/// The commit it was built from, `unknown` outside a repository.
pub(crate) const COMMIT: &str = env!("HUFU_COMMIT");

/// The features of this processor that matter to a check, as the kernel names them.
pub(crate) fn cpu_features() -> Vec<&'static str> {
    let mut found = Vec::new();
    macro_rules! look_for {
        ($($name:tt),*) => { $(if std::arch::is_x86_feature_detected!($name) { found.push($name); })* };
    }
    #[cfg(target_arch = "x86_64")]
    look_for!("aes", "avx2", "avx512f", "avx512ifma", "avx512vl", "bmi2", "pclmulqdq", "sha", "vaes");
    found
}

/// The back end that verifies signatures here.
pub(crate) fn signature_back_end() -> &'static str {
    hufu_codes::ed25519::backend().name()
}

/// How transparent huge pages are set up, as the kernel says.
pub(crate) fn huge_pages() -> String {
    let setting = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let chosen = setting.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    chosen.map_or_else(|| "not available".to_owned(), |(chosen, _)| chosen.to_owned())
}

/// The text behind the name in `hufu --version`.
pub(crate) fn version() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(described)
}

fn described() -> String {
    let mut text = env!("CARGO_PKG_VERSION").to_owned();
    let _ = write!(
        text,
        "\ncommit      {COMMIT}\nsignatures  {}\nprocessor   {}\nhuge pages  {}",
        signature_back_end(),
        cpu_features().join(" "),
        huge_pages()
    );
    text
}
