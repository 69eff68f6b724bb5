//! What a device's certificate says: its grant as names (PROTOCOL 1) and as a serial number.
//!
//! The operator's CA writes certificates with [`names`] and [`serial`]; engines read them with
//! [`read_certificate`], [`read_validity`] and [`read_crl`].

use std::collections::BTreeSet;

use hufu_wire::{DeviceGeneration, DeviceId, Grant, Scope, SiteId, UnixSeconds, limits};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The DNS name that every engine's certificate carries.
pub const ENGINE_NAME: &str = "engine.hufu";

/// Bytes of a device certificate's serial number.
pub const SERIAL_BYTES: usize = 13;

const DEVICE: &str = "urn:hufu:device:";
const SITE: &str = "urn:hufu:site:";
const SCOPE: &str = "urn:hufu:scope:";
const OURS: &str = "urn:hufu:";
/// First byte of every device's serial number; it keeps the number positive (RFC 5280 section 4.1.2.2).
const SERIAL_MARK: u8 = b'H';

/// Why a certificate or a revocation list says nothing about devices. The operator's CA can correct it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    /// Not DER, or not X.509.
    #[error("not a valid certificate or revocation list")]
    Unreadable,
    /// A name of ours is missing.
    #[error("the certificate lacks a name that begins with {0}")]
    Missing(&'static str),
    /// A name of ours is there twice.
    #[error("the certificate has more than one name that begins with {0}")]
    Repeated(&'static str),
    /// A name begins as ours and goes on otherwise.
    #[error("the certificate has an invalid urn:hufu: name")]
    Meaningless,
    /// The device's id is not below [`limits::DEVICES_MAX`].
    #[error("the certificate's device id is too large")]
    DeviceTooLarge,
}

/// The subject alternative names, type URI, that say `grant`.
pub fn names(grant: Grant) -> [String; 3] {
    [
        format!("{DEVICE}{}:{}", grant.device, grant.generation),
        format!("{SITE}{}", grant.site),
        format!("{SCOPE}{}", grant.scope.to_bits()),
    ]
}

/// The serial number of a certificate issued at `issued`: a mark, device, generation, time, big-endian.
///
/// Device and generation are in it so that a revocation list, which holds nothing but serial numbers, also
/// reaches the device's cookies on sealed UDP. Revoking one certificate of a generation revokes the generation.
pub fn serial(device: DeviceId, generation: DeviceGeneration, issued: UnixSeconds) -> [u8; SERIAL_BYTES] {
    let mut serial = [SERIAL_MARK; SERIAL_BYTES];
    serial[1..5].copy_from_slice(&device.0.to_be_bytes());
    serial[5..9].copy_from_slice(&generation.0.to_be_bytes());
    serial[9..].copy_from_slice(&issued.0.to_be_bytes());
    serial
}

/// The grant that a certificate's names say. Says nothing about whether the certificate is genuine.
///
/// # Errors
/// [`ProfileFault`] unless each of the three names is there exactly once and nothing else begins as ours.
pub fn read_certificate(der: &[u8]) -> Result<Grant, ProfileFault> {
    let certificate = parse(der)?;
    let names = certificate.subject_alternative_name().map_err(|_| ProfileFault::Unreadable)?;
    let uris = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    read_names(uris)
}

/// From when until when a certificate is valid (RFC 5280 section 4.1.2.5), within the times that this protocol has.
///
/// # Errors
/// [`ProfileFault::Unreadable`].
pub fn read_validity(der: &[u8]) -> Result<(UnixSeconds, UnixSeconds), ProfileFault> {
    let certificate = parse(der)?;
    let validity = certificate.validity();
    let within = |time: i64| UnixSeconds(u32::try_from(time.max(0)).unwrap_or(u32::MAX));
    Ok((within(validity.not_before.timestamp()), within(validity.not_after.timestamp())))
}

/// When a certificate ends: its notAfter, or the last second there is for one later.
///
/// # Errors
/// [`ProfileFault::Unreadable`].
pub fn read_end(der: &[u8]) -> Result<UnixSeconds, ProfileFault> {
    Ok(read_validity(der)?.1)
}

/// The grant that these URIs say; URIs of others are passed over.
///
/// # Errors
/// As [`read_certificate`].
pub fn read_names<'n>(uris: impl IntoIterator<Item = &'n str>) -> Result<Grant, ProfileFault> {
    let (mut device, mut site, mut scope) = (None, None, None);
    for uri in uris {
        if let Some(said) = uri.strip_prefix(DEVICE) {
            let (id, generation) = said.split_once(':').ok_or(ProfileFault::Meaningless)?;
            once(&mut device, DEVICE, (number(id)?, number(generation)?))?;
        } else if let Some(said) = uri.strip_prefix(SITE) {
            once(&mut site, SITE, number(said)?)?;
        } else if let Some(said) = uri.strip_prefix(SCOPE) {
            let said = Scope::from_bits(number(said)?).ok_or(ProfileFault::Meaningless)?;
            once(&mut scope, SCOPE, said)?;
        } else if uri.starts_with(OURS) {
            return Err(ProfileFault::Meaningless);
        }
    }
    let (device, generation) = device.ok_or(ProfileFault::Missing(DEVICE))?;
    if device >= limits::DEVICES_MAX {
        return Err(ProfileFault::DeviceTooLarge);
    }
    Ok(Grant {
        device: DeviceId(device),
        generation: DeviceGeneration(generation),
        site: SiteId(site.ok_or(ProfileFault::Missing(SITE))?),
        scope: scope.ok_or(ProfileFault::Missing(SCOPE))?,
    })
}

/// The devices that a revocation list revokes, each up to the generation named. Serial numbers that are not
/// [`serial`]'s are passed over: TLS still refuses their certificates.
///
/// # Errors
/// [`ProfileFault::Unreadable`].
pub fn read_crl(der: &[u8]) -> Result<BTreeSet<(DeviceId, DeviceGeneration)>, ProfileFault> {
    let (rest, crl) = x509_parser::parse_x509_crl(der).map_err(|_| ProfileFault::Unreadable)?;
    if !rest.is_empty() {
        return Err(ProfileFault::Unreadable);
    }
    Ok(crl.iter_revoked_certificates().filter_map(|revoked| read_serial(revoked.raw_serial())).collect())
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, ProfileFault> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(ProfileFault::Unreadable),
    }
}

fn read_serial(serial: &[u8]) -> Option<(DeviceId, DeviceGeneration)> {
    let (&[mark, d0, d1, d2, d3, g0, g1, g2, g3], _issued) = serial.split_first_chunk()?;
    let ours = mark == SERIAL_MARK && serial.len() == SERIAL_BYTES;
    ours.then(|| {
        (
            DeviceId(u32::from_be_bytes([d0, d1, d2, d3])),
            DeviceGeneration(u32::from_be_bytes([g0, g1, g2, g3])),
        )
    })
}

/// Decimal, without a sign and without leading zeroes: one text for each number.
fn number(text: &str) -> Result<u32, ProfileFault> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| canonical).ok_or(ProfileFault::Meaningless)
}

fn once<T>(place: &mut Option<T>, name: &'static str, said: T) -> Result<(), ProfileFault> {
    if place.replace(said).is_some() { Err(ProfileFault::Repeated(name)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANT: Grant = Grant {
        device: DeviceId(7),
        generation: DeviceGeneration(0),
        site: SiteId(301),
        scope: Scope::CHECKS_AND_ROSTERS,
    };

    #[test]
    fn a_grant_survives_its_names() {
        let names = names(GRANT);
        assert_eq!(names, ["urn:hufu:device:7:0", "urn:hufu:site:301", "urn:hufu:scope:3"]);
        let with_others = names.iter().map(String::as_str).chain(["https://example.invalid/"]);
        assert_eq!(read_names(with_others), Ok(GRANT));
    }

    #[test]
    fn every_other_set_of_names_is_refused() {
        let check =
            |uris: &[&str], fault| assert_eq!(read_names(uris.iter().copied()), Err(fault), "{uris:?}");
        let (device, site, scope) = ("urn:hufu:device:7:0", "urn:hufu:site:301", "urn:hufu:scope:3");
        check(&[], ProfileFault::Missing(DEVICE));
        check(&[device, scope], ProfileFault::Missing(SITE));
        check(&[device, site], ProfileFault::Missing(SCOPE));
        check(&[device, site, scope, site], ProfileFault::Repeated(SITE));
        check(&[device, site, scope, "urn:hufu:device:8:0"], ProfileFault::Repeated(DEVICE));
        check(&[device, site, scope, "urn:hufu:role:admin"], ProfileFault::Meaningless);
        check(&[device, site, "urn:hufu:scope:4"], ProfileFault::Meaningless);
        check(&["urn:hufu:device:1048576:0", site, scope], ProfileFault::DeviceTooLarge);
        for id in ["07:0", "+7:0", "7:00", "7", "7:", ":0", "-1:0", "7:0:0", "4294967296:0", "7 :0"] {
            check(&[&format!("{DEVICE}{id}"), site, scope], ProfileFault::Meaningless);
        }
    }

    #[test]
    fn a_serial_number_names_device_and_generation_and_is_positive() {
        let serial = serial(DeviceId(7), DeviceGeneration(3), UnixSeconds(1_790_000_000));
        assert!(serial[0] < 0x80);
        assert_eq!(read_serial(&serial), Some((DeviceId(7), DeviceGeneration(3))));
        assert_eq!(read_serial(&serial[..12]), None);
        assert_eq!(read_serial(&[1; 13]), None);
        assert_eq!(read_serial(&[]), None);
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        assert_eq!(read_certificate(&[]), Err(ProfileFault::Unreadable));
        assert_eq!(read_certificate(&[0x30; 64]), Err(ProfileFault::Unreadable));
        assert_eq!(read_crl(&[0x30, 0x80]), Err(ProfileFault::Unreadable));
    }
}
