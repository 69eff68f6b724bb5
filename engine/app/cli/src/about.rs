//! What this binary is and what it runs on: for `--version` and the first log lines.

use std::sync::OnceLock;

use hufu_loadgen::Build;

/// The commit it was built from, `unknown` outside a repository.
pub(crate) fn commit() -> &'static str {
    here().commit
}

/// The features of this processor that matter to a check, as the kernel names them.
pub(crate) fn cpu_features() -> String {
    here().cpu_features.join(" ")
}

/// The back end that verifies signatures here.
pub(crate) fn signature_back_end() -> &'static str {
    &here().signature_backend
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
    TEXT.get_or_init(|| {
        format!(
            "{}\ncommit      {}\nsignatures  {}\nprocessor   {}\nhuge pages  {}",
            env!("CARGO_PKG_VERSION"),
            commit(),
            signature_back_end(),
            cpu_features(),
            huge_pages()
        )
    })
}

fn here() -> &'static Build {
    static HERE: OnceLock<Build> = OnceLock::new();
    HERE.get_or_init(Build::here)
}
