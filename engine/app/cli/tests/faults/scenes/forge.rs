//! An attacker with every key of a deployment.

use anyhow::Result;
use hufu_codes::chain::{AuthoritySigner, Tip, content_digest};
use hufu_field::{Deployment, ISSUER, NATIONAL};
use hufu_wire::chain::{ChangeSet, Changes, Content, InputsDigest, Parts, Position, Record};
use hufu_wire::{IssuerId, Message as _, RuleId, UnixMillis};

/// Bytes of a signature; a set ends with two.
const SIGNATURE: usize = 64;

/// Signers with the keys of a deployment.
pub(super) struct Forge {
    pub(super) local: AuthoritySigner,
    pub(super) national: AuthoritySigner,
    pub(super) publisher: AuthoritySigner,
    /// One whose key is in no trust list.
    stranger: AuthoritySigner,
}

/// What a set says beside its place.
#[derive(Clone, Copy)]
pub(super) struct Says<'a> {
    pub(super) issuer: IssuerId,
    pub(super) proposed: UnixMillis,
    pub(super) valid_s: u32,
    pub(super) confirmed: UnixMillis,
    pub(super) records: &'a [Record],
}

impl<'a> Says<'a> {
    /// As an honest authority would now.
    pub(super) fn now(records: &'a [Record]) -> Says<'a> {
        let now = super::now();
        Says { issuer: ISSUER, proposed: now, valid_s: 3600, confirmed: now, records }
    }
}

impl Forge {
    pub(super) fn new(deployment: &Deployment) -> Result<Forge> {
        Ok(Forge {
            local: deployment.signer("local")?,
            national: deployment.signer("national")?,
            publisher: deployment.signer("registry/publisher")?,
            stranger: AuthoritySigner::from_seed(&[0x5a; 32], NATIONAL),
        })
    }

    /// A set after `tip` that both keys have signed, whatever it says.
    pub(super) fn set(&self, tip: &Tip, says: &Says<'_>) -> Result<Vec<u8>> {
        let set = ChangeSet {
            position: Position {
                issuer: says.issuer,
                sequence: tip.next(),
                confirmed: says.confirmed,
                national_key: self.national.key(),
                previous: tip.digest,
            },
            content: Content {
                proposed: says.proposed.into(),
                valid_s: says.valid_s,
                rule: RuleId(7),
                inputs: InputsDigest([8; 32]),
                local_key: self.local.key(),
                reason: "a test of what nobody believes",
                changes: Changes::new(says.records)?,
            },
            local_signature: [0; SIGNATURE],
            national_signature: [0; SIGNATURE],
        };
        let mut bytes = vec![0; set.size()];
        set.write_to(&mut bytes);
        let digest = content_digest(Parts::of(&bytes)?.content);
        let (local, national) = signatures(&mut bytes);
        local.copy_from_slice(&self.local.sign_content(says.issuer, &digest));
        national.copy_from_slice(&self.national.sign_position(&set.position, &digest));
        Ok(bytes)
    }

    /// The content of a genuine set in another place, signed for that place.
    pub(super) fn moved(&self, genuine: &[u8], tip: &Tip) -> Result<Vec<u8>> {
        let set: ChangeSet<'_> = hufu_wire::read(genuine)?;
        let position = Position { sequence: tip.next(), previous: tip.digest, ..set.position };
        let digest = content_digest(Parts::of(genuine)?.content);
        let mut bytes = genuine.to_vec();
        position.write_to(&mut bytes[..Position::BYTES]);
        signatures(&mut bytes).1.copy_from_slice(&self.national.sign_position(&position, &digest));
        Ok(bytes)
    }

    /// A genuine set with signatures that are not the two that it needs, and what each is called.
    pub(super) fn badly_signed(&self, genuine: &[u8]) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let set: ChangeSet<'_> = hufu_wire::read(genuine)?;
        let digest = content_digest(Parts::of(genuine)?.content);
        let with_second = |signature: [u8; SIGNATURE]| {
            let mut bytes = genuine.to_vec();
            signatures(&mut bytes).1.copy_from_slice(&signature);
            bytes
        };
        let mut swapped = genuine.to_vec();
        let (local, national) = signatures(&mut swapped);
        local.swap_with_slice(national);
        Ok(vec![
            ("wrong second signature", with_second(self.stranger.sign_position(&set.position, &digest))),
            (
                "the local authority signed twice",
                with_second(self.local.sign_position(&set.position, &digest)),
            ),
            ("no second signature", with_second([0; SIGNATURE])),
            ("signatures swapped", swapped),
        ])
    }
}

fn signatures(set: &mut [u8]) -> (&mut [u8], &mut [u8]) {
    let at = set.len() - 2 * SIGNATURE;
    set[at..].split_at_mut(SIGNATURE)
}
