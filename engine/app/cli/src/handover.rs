//! Cluster keys on their way from one engine to another: sealed to a key that the receiver has made for this one
//! time (HPKE, RFC 9180, base mode, X25519, HKDF-SHA256, AES-256-GCM).
//!
//! Only the machine that asked can open the file, and no longer once it has imported it: the key is removed. So the
//! file may travel by any way, and a copy of it is worth nothing later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use hufu_check::ClusterKeys;
use hufu_files::keys;
use hufu_files::{self as files, Readable};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

static SUITE: &dyn Hpke = DH_KEM_X25519_HKDF_SHA256_AES_256;
const INFO: &[u8] = b"hufu/1 cluster keys handed over";
const MAGIC: &[u8; 8] = b"HUFUCKH1";
const PUBLIC_BYTES: usize = 32;
const PUBLIC_NAME: &str = "cluster_request";
const SECRET_NAME: &str = "cluster_request_key";

/// One request for cluster keys: NAME.ask to hand around, NAME.ask.key to keep.
pub(crate) struct Request {
    public: [u8; PUBLIC_BYTES],
}

impl Request {
    /// Makes a request and writes both files; neither may exist.
    pub(crate) fn make(name: &Path) -> anyhow::Result<Request> {
        let (public, secret) = SUITE.generate_key_pair().context("cannot make a key for the request")?;
        let request = Request::of(&public.0)?;
        let [public_path, secret_path] = paths(name);
        ensure!(!public_path.exists(), "{} exists already and is not overwritten", public_path.display());
        let text = Zeroizing::new(format!(
            "# Opens the cluster keys that were asked for. Stays on this machine; the import removes it.\n\
             {SECRET_NAME} = \"{}\"\n",
            &*Zeroizing::new(hex::encode(secret.secret_bytes()))
        ));
        files::create(&secret_path, text.as_bytes(), Readable::Owner)?;
        let text = format!(
            "# A request for cluster keys. Nothing secret. Fingerprint {}\n{PUBLIC_NAME} = \"{}\"\n",
            request.fingerprint(),
            hex::encode(request.public)
        );
        files::create(&public_path, text.as_bytes(), Readable::All)?;
        Ok(request)
    }

    /// Reads NAME.ask.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Request> {
        let bytes = hex_in(path, PUBLIC_NAME, "a request of `hufu keys cluster ask`")?;
        Request::of(&bytes)
    }

    fn of(public: &[u8]) -> anyhow::Result<Request> {
        let public = public.try_into().ok().context("the request's key must have 32 bytes")?;
        Ok(Request { public })
    }

    /// To compare by eye on both machines: a request that somebody swapped on its way has another one.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.public)[..8])
    }

    /// Seals `keys` so that only who made this request can open them.
    pub(crate) fn seal(&self, keys: &ClusterKeys) -> anyhow::Result<Vec<u8>> {
        let to = HpkePublicKey(self.public.to_vec());
        let sealed = SUITE.seal(INFO, &self.public, &keys.to_bytes(), &to);
        let (EncapsulatedSecret(secret), cipher) =
            sealed.map_err(|fault| anyhow!("cannot seal the keys to this request: {fault}"))?;
        Ok([MAGIC.as_slice(), &secret, &cipher].concat())
    }
}

/// Opens what was sealed to the request NAME.
pub(crate) fn open(name: &Path, sealed: &Path) -> anyhow::Result<ClusterKeys> {
    let [public_path, secret_path] = paths(name);
    let Request { public } = Request::load(&public_path)?;
    keys::ensure_private(&secret_path)?;
    let secret = hex_in(&secret_path, SECRET_NAME, "the key of a request")?;
    let bytes = files::read(sealed)?;
    let not_sealed = || format!("{} is not a file of `hufu keys cluster export`", sealed.display());
    let rest = bytes.strip_prefix(MAGIC).with_context(not_sealed)?;
    let (enc, cipher) = rest.split_at_checked(PUBLIC_BYTES).with_context(not_sealed)?;
    let (enc, secret) = (EncapsulatedSecret(enc.to_vec()), HpkePrivateKey::from(secret.to_vec()));
    let opened = SUITE.open(&enc, INFO, &public, cipher, &secret).map(Zeroizing::new);
    let opened = opened.ok().with_context(|| {
        format!(
            "{} is damaged, or was sealed to another request than {}",
            sealed.display(),
            public_path.display()
        )
    })?;
    Ok(ClusterKeys::from_bytes(&opened)?)
}

/// Removes a request that was answered.
pub(crate) fn remove(name: &Path) -> anyhow::Result<()> {
    for path in paths(name) {
        fs::remove_file(&path)
            .with_context(|| format!("the keys are imported; remove {} by hand", path.display()))?;
    }
    Ok(())
}

/// NAME.ask and NAME.ask.key.
pub(crate) fn paths(name: &Path) -> [PathBuf; 2] {
    ["ask", "ask.key"].map(|extension| files::with_extension(name, extension))
}

/// The bytes of the one line `name = "HEX"` in a file that is `what`. Says nothing of the text in an error: it may be secret.
fn hex_in(path: &Path, name: &str, what: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(files::read_text(path)?);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
    let digits = line.map(|digits| digits.trim().trim_matches('"'));
    let bytes = digits.and_then(|digits| hex::decode(digits).map(Zeroizing::new).ok());
    bytes.with_context(|| format!("{} is not {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::UnixMillis;
    use std::os::unix::fs::PermissionsExt as _;

    fn keys() -> ClusterKeys {
        ClusterKeys::first(UnixMillis(1_790_000_000_000), [1; 8], &[7; 32])
    }

    #[test]
    fn b10_only_who_asked_opens_what_was_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other, sealed] = ["one", "other", "sealed"].map(|name| folder.path().join(name));
        let request = Request::make(&one).unwrap();
        Request::make(&other).unwrap();
        assert!(Request::make(&one).is_err(), "never written over");
        let [public, secret] = paths(&one);
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Request::load(&public).unwrap().fingerprint(), request.fingerprint());

        let mut bytes = request.seal(&keys()).unwrap();
        assert!(!bytes.windows(32).any(|window| window == [7; 32]));
        fs::write(&sealed, &bytes).unwrap();
        assert_eq!(*open(&one, &sealed).unwrap().to_bytes(), *keys().to_bytes());
        let refused = format!("{:#}", open(&other, &sealed).unwrap_err());
        assert!(refused.contains("sealed to another request"), "{refused}");
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&sealed, &bytes).unwrap();
        assert!(open(&one, &sealed).is_err(), "damaged");
        remove(&one).unwrap();
        assert!(!public.exists() && !secret.exists());
    }
}
