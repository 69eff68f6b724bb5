//! The document signer: its key never leaves the authority; verifiers abroad know its certificate.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_files::moment::{self, Span};
use hufu_files::{self as files, Readable, keys};
use hufu_hc1::dsc::key_id;
use hufu_hc1::issue::Signer;
use hufu_policy::foreign::Country;
use hufu_wire::UnixSeconds;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::term::tell;

/// Make a document signer.
#[derive(Debug, Args)]
pub(crate) struct SignerArgs {
    /// The country that issues, two letters (ISO 3166-1)
    #[arg(long, value_name = "CC", value_parser = super::super::foreign::country)]
    country: Country,
    /// What the authority is called in the certificate
    #[arg(long)]
    name: String,
    /// How long the certificate is valid; no code outlives it
    #[arg(long, value_name = "SPAN", default_value = "730d")]
    valid: Span,
    /// Where to put it; .key, .pem and .csr are added
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
}

pub(super) fn make(args: &SignerArgs) -> anyhow::Result<()> {
    let [key_path, certificate_path, request_path] =
        ["key", "pem", "csr"].map(|ending| files::with_extension(&args.out, ending));
    for path in [&key_path, &certificate_path, &request_path] {
        ensure!(!path.exists(), "{} exists already and is not overwritten", path.display());
    }
    // RFC 5280 appendix A: ub-common-name.
    let is_name = (1..=64).contains(&args.name.chars().count()) && !args.name.contains(char::is_control);
    ensure!(is_name, "--name must have 1 to 64 characters, none of them a control character");
    let key = KeyPair::generate().context("cannot make the signer's key")?;
    let now = moment::now().seconds();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, args.country.as_str());
    params.distinguished_name.push(DnType::CommonName, args.name.as_str());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let instant = |at: u32| OffsetDateTime::UNIX_EPOCH + Duration::from_secs(at.into());
    params.not_before = instant(now.0);
    params.not_after = instant(now.0.saturating_add(args.valid.s));
    let request = params.serialize_request(&key).context("cannot make the request")?.pem()?;
    let certificate = params.self_signed(&key).context("cannot sign the certificate")?;
    // What could not be used is not written.
    Signer::new(&Zeroizing::new(key.serialize_der()), certificate.der(), now)?;
    files::create(&key_path, Zeroizing::new(key.serialize_pem()).as_bytes(), Readable::Owner)?;
    files::create(&certificate_path, certificate.pem().as_bytes(), Readable::All)?;
    files::create(&request_path, request.as_bytes(), Readable::All)?;
    let key_id = hex::encode(key_id(certificate.der()));
    tell!(
        { "key_id": key_id, "secret": key_path, "certificate": certificate_path, "request": request_path },
        "document signer {key_id}: {} (secret), {}, {}",
        key_path.display(),
        certificate_path.display(),
        request_path.display()
    );
    Ok(())
}

pub(super) fn load(name: &Path, now: UnixSeconds) -> anyhow::Result<Signer> {
    let [key_path, certificate_path] = ["key", "pem"].map(|ending| files::with_extension(name, ending));
    keys::ensure_private(&key_path)?;
    let key_pem = Zeroizing::new(files::read_text(&key_path)?);
    let key = KeyPair::from_pem(&key_pem).ok().with_context(|| {
        format!(
            "{} is not a private key (PKCS #8, PEM); `hufu abroad signer` makes a document signer",
            key_path.display()
        )
    })?;
    let certificate = CertificateDer::from_pem_slice(&files::read_pem(&certificate_path)?)
        .ok()
        .with_context(|| format!("{} is not a certificate, PEM", certificate_path.display()))?;
    Signer::new(&Zeroizing::new(key.serialize_der()), &certificate, now)
        .with_context(|| format!("{} and {}", key_path.display(), certificate_path.display()))
}
