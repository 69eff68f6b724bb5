//! What ends, and when: from the pages of engines and registries, and from files that the settings name.

use std::path::PathBuf;

use hufu_codes::keyring::ListedKey;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::{moment, trust_list};
use hufu_signature::PreparedKey;
use hufu_transport::profile;
use hufu_wire::UnixSeconds;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::engine::Ending;

/// A file whose end is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingFile {
    /// What people call it.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// The operator's public key, of a trust list; a certificate without.
    pub operator: Option<PathBuf>,
}

/// One line of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) what: Ending,
    /// Of whom, or which key.
    pub(crate) of: String,
    /// Which program or file says so.
    pub(crate) place: String,
    /// Seconds; none: it cannot be read, or says no end.
    pub(crate) left_s: Option<i64>,
}

/// The ends of a file at this moment. One that cannot be read is a line too.
pub(crate) fn read(watched: &EndingFile) -> Vec<End> {
    let now = moment::now().seconds();
    let left = |end: UnixSeconds| i64::from(end.0) - i64::from(now.0);
    let line = |what, of: String, left_s| End { what, of, place: watched.name.clone(), left_s };
    let Some(operator) = &watched.operator else {
        let leaf = CertificateDer::from_pem_file(&watched.file).ok();
        let end = leaf.and_then(|leaf| profile::read_end(&leaf).ok());
        return vec![line(Ending::Certificate, String::new(), end.map(left))];
    };
    let list = PublicKey::load(operator, Owner::Operator).and_then(|key| {
        let operator = PreparedKey::new(&key.public)?;
        trust_list::open(&watched.file, &operator)
    });
    match list {
        Err(_) => vec![line(Ending::TrustList, String::new(), None)],
        Ok(list) => {
            let whole = line(Ending::TrustList, String::new(), list.next_by().map(left));
            let in_use = |key: &ListedKey| !key.revoked && key.from <= now && key.until.0 != u32::MAX;
            let keys = list.keys().iter().filter(|(_, key)| in_use(key));
            let keys = keys.map(|(kid, key)| {
                line(Ending::Key, format!("{kid} ({})", key.issuer), Some(left(key.until)))
            });
            std::iter::once(whole).chain(keys).collect()
        }
    }
}
