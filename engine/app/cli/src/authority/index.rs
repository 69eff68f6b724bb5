//! What an authority has issued and revoked: `index.json`.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_transport::profile;
use hufu_wire::{DeviceGeneration, DeviceId, Grant, UnixSeconds};
use serde::{Deserialize, Serialize};

/// The whole index.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    crl_number: u64,
    certificates: Vec<Entry>,
}

/// One certificate, or a device that was revoked without one.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Its serial number.
    #[serde(with = "hex")]
    pub(crate) serial: Vec<u8>,
    /// Whose certificate.
    pub(crate) subject: Subject,
    /// When it was issued, Unix seconds.
    pub(super) issued_s: u32,
    /// When it ends, Unix seconds.
    pub(crate) until_s: u32,
    /// When it was revoked, Unix seconds.
    pub(crate) revoked_s: Option<u32>,
}

/// Whose certificate.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Subject {
    /// A verifier device.
    Device {
        /// Its id.
        device: u32,
        /// How many times it was enrolled again.
        generation: u32,
        /// The only site it may ask about; none for a device revoked unseen.
        site: Option<u32>,
        /// Scope bits; none for a device revoked unseen.
        scope: Option<u32>,
    },
    /// An engine.
    Engine {
        /// Its names beside the one that every engine has.
        names: Vec<String>,
    },
}

impl Subject {
    /// The device that `grant` describes.
    pub(crate) fn device(grant: Grant) -> Subject {
        Subject::Device {
            device: grant.device.0,
            generation: grant.generation.0,
            site: Some(grant.site.0),
            scope: Some(grant.scope.to_bits()),
        }
    }

    fn is(&self, wanted: DeviceId, matches: impl Fn(u32) -> bool) -> bool {
        matches!(self, Subject::Device { device, generation, .. } if *device == wanted.0 && matches(*generation))
    }
}

impl Index {
    /// Reads the index; an authority without one has issued nothing.
    pub(super) fn load(path: &Path) -> anyhow::Result<Index> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not the index of a certificate authority", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Index::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes it back.
    pub(super) fn store(&self, path: &Path) -> anyhow::Result<()> {
        files::replace(path, &serde_json::to_vec_pretty(self)?, Readable::All)
    }

    /// Everything, oldest first.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.certificates
    }

    pub(super) fn add(&mut self, serial: &[u8], subject: Subject, until: UnixSeconds) {
        let issued_s = moment::now().seconds().0;
        self.certificates.push(Entry {
            serial: serial.to_vec(),
            subject,
            issued_s,
            until_s: until.0,
            revoked_s: None,
        });
    }

    /// The certificate of this device and generation, if there is one.
    pub(super) fn issued(&self, device: DeviceId, generation: DeviceGeneration) -> Option<&Entry> {
        self.certificates.iter().find(|entry| entry.subject.is(device, |issued| issued == generation.0))
    }

    /// Whether this generation of the device can never be issued again.
    pub(super) fn is_revoked(&self, device: DeviceId, generation: DeviceGeneration) -> bool {
        self.certificates.iter().any(|entry| {
            entry.revoked_s.is_some() && entry.subject.is(device, |revoked| revoked >= generation.0)
        })
    }

    /// Marks every certificate of the device up to `generation`, and notes the generation itself even if no
    /// certificate is known; returns how many certificates were alive.
    pub(super) fn revoke(
        &mut self,
        device: DeviceId,
        generation: DeviceGeneration,
        now: UnixSeconds,
    ) -> usize {
        let mut killed = 0;
        for entry in &mut self.certificates {
            if entry.revoked_s.is_none() && entry.subject.is(device, |issued| issued <= generation.0) {
                entry.revoked_s = Some(now.0);
                killed += 1;
            }
        }
        if !self.is_revoked(device, generation) {
            self.certificates.push(Entry {
                serial: profile::serial(device, generation, now).to_vec(),
                subject: Subject::Device {
                    device: device.0,
                    generation: generation.0,
                    site: None,
                    scope: None,
                },
                issued_s: now.0,
                until_s: now.0,
                revoked_s: Some(now.0),
            });
        }
        killed
    }

    /// Marks the certificate of an engine; `None` when no engine has this serial number, else whether it was alive.
    pub(super) fn revoke_engine(&mut self, serial: &[u8], now: UnixSeconds) -> Option<bool> {
        let is_wanted =
            |entry: &&mut Entry| entry.serial == serial && matches!(entry.subject, Subject::Engine { .. });
        let entry = self.certificates.iter_mut().find(is_wanted)?;
        let alive = entry.revoked_s.is_none();
        entry.revoked_s.get_or_insert(now.0);
        Some(alive)
    }

    /// Serial numbers and times of everything revoked. Nothing leaves the list at its certificate's end: the
    /// device's generation stays dead on sealed UDP too.
    pub(super) fn revoked(&self) -> impl Iterator<Item = (Vec<u8>, UnixSeconds)> + '_ {
        let revoked = |entry: &Entry| Some((entry.serial.clone(), UnixSeconds(entry.revoked_s?)));
        self.certificates.iter().filter_map(revoked)
    }

    /// The number of the next revocation list (RFC 5280 section 5.2.3).
    pub(super) fn next_crl_number(&mut self) -> u64 {
        self.crl_number += 1;
        self.crl_number
    }
}
