//! The statement of a face check that somebody else made: signed, of one application, of a level.

use hufu_codes::issue::Secret;
use hufu_signature::{Job, backend};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{HolderIndex, IssuerId, KeyId, UnixMillis};

use super::fault::FamilyFault;
use super::settings::Families;

/// Bytes of a statement with its signature.
pub const FACE_BYTES: usize = MESSAGE_BYTES + 64;
/// How old a face check may be when the application comes in, seconds.
pub const FACE_S_MAX: u32 = 3600;

const MESSAGE_BYTES: usize = 32;
const LABEL: &[u8; 11] = b"hufu/1 face";

/// What a service that compares faces says: at this time the relative of this application was seen, as surely as the
/// level says. `docs/REGISTRY.md` has its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaceStatement {
    /// Whose holders they are.
    pub issuer: IssuerId,
    /// The user who applies.
    pub user: HolderIndex,
    /// Whose face was compared.
    pub relative: HolderIndex,
    /// How surely; higher is surer.
    pub level: u8,
    /// When.
    pub at: UnixMillis,
}

impl FaceStatement {
    fn message(&self) -> [u8; MESSAGE_BYTES] {
        let mut message = [0; MESSAGE_BYTES];
        message[..11].copy_from_slice(LABEL);
        message[11..15].copy_from_slice(&self.issuer.0.to_le_bytes());
        message[15..19].copy_from_slice(&self.user.0.to_le_bytes());
        message[19..23].copy_from_slice(&self.relative.0.to_le_bytes());
        message[23] = self.level;
        message[24..].copy_from_slice(&self.at.0.to_le_bytes());
        message
    }

    /// The statement as the service with this key signs it, by the key's scheme: over the first 32 bytes.
    pub fn sign(&self, key: &Secret) -> [u8; FACE_BYTES] {
        let message = self.message();
        let mut signed = [0; FACE_BYTES];
        signed[..MESSAGE_BYTES].copy_from_slice(&message);
        signed[MESSAGE_BYTES..].copy_from_slice(&key.sign(&[&message]));
        signed
    }

    fn read(message: &[u8; MESSAGE_BYTES]) -> Option<FaceStatement> {
        let (label, rest) = message.split_first_chunk::<11>()?;
        let (issuer, rest) = rest.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (relative, rest) = rest.split_first_chunk()?;
        let (level, at) = rest.split_first()?;
        let statement = FaceStatement {
            issuer: IssuerId(u32::from_le_bytes(*issuer)),
            user: HolderIndex(u32::from_le_bytes(*user)),
            relative: HolderIndex(u32::from_le_bytes(*relative)),
            level: *level,
            at: UnixMillis(u64::from_le_bytes(at.try_into().ok()?)),
        };
        (label == LABEL).then_some(statement)
    }

    /// Who signed `bytes`, and what they say, if that is of this application and may be believed now.
    pub(crate) fn verify(
        bytes: &[u8],
        (issuer, user, relative): (IssuerId, HolderIndex, HolderIndex),
        families: &Families,
        now: UnixMillis,
    ) -> Result<(KeyId, FaceStatement), FamilyFault> {
        let fault = |what| Err(FamilyFault::Face(what));
        let Some((message, signature)) = bytes.split_first_chunk::<MESSAGE_BYTES>() else {
            return fault("it has 96 bytes");
        };
        let Ok(signature) = <&[u8; 64]>::try_from(signature) else { return fault("it has 96 bytes") };
        let Some(statement) = FaceStatement::read(message) else { return fault("it is another message") };
        let signed = families.face_keys().iter().find(|(_, key)| {
            let mut genuine = [false];
            backend().verify(&[Job { key, message: [message, &[], &[], &[]], signature }], &mut genuine);
            genuine[0]
        });
        let Some((key, _)) = signed else {
            return fault("no key of registry.toml, [families] face_keys, signed it");
        };
        if (statement.issuer, statement.user, statement.relative) != (issuer, user, relative) {
            return fault("it is of another application");
        }
        if statement.level < families.face_level_min() {
            return fault(
                "its level is too low: compare the face again, as registry.toml asks for (face_level_min)",
            );
        }
        if statement.at.since(now) > CHAIN_SKEW_MS_MAX {
            return fault("it is of the future: set the clock of the service, or this one");
        }
        if now.since(statement.at) > u64::from(FACE_S_MAX) * 1000 {
            return fault("it is older than an hour: compare the face again");
        }
        Ok((*key, statement))
    }
}
