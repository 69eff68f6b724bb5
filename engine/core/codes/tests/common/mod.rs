//! One issuer, one operator and the walk of a check, for every test of this crate.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(missing_docs, unreachable_pub, reason = "shared by test files only")]

use std::sync::LazyLock;

use hufu_codes::cbor::Writer;
use hufu_codes::code::{self, Code};
use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
use hufu_codes::keyring::{Keyring, ListedKey, TrustList, Uses};
use hufu_codes::presentation::{Salt, Shown, StepIndex, StepTree, present};
use hufu_codes::{Credential, Detail};
use hufu_wire::{HolderIndex, HubId, IssuerId, Reason, Step, UnixSeconds, limits};

/// 2026-09-21T14:13:20Z, twenty seconds into a step.
pub const NOW: UnixSeconds = UnixSeconds(1_790_000_000);
pub const FOREVER: UnixSeconds = UnixSeconds(u32::MAX);
pub const ISSUER: IssuerId = IssuerId(110_000);
pub const HOLDER: HolderIndex = HolderIndex(123_456_789);
pub const PHONE_SEED: [u8; 32] = [0x33; 32];
pub const PHONE_DISPLAY: &str = "张*1234";
/// As many bytes as a display may have.
pub const LONGEST_DISPLAY: &str = "阿卜杜拉阿卜杜拉阿*1234";

pub fn issuer() -> IssuerSigner {
    IssuerSigner::from_seed(&[0x11; 32], ISSUER)
}

pub fn operator() -> OperatorSigner {
    OperatorSigner::from_seed(&[0x22; 32])
}

pub fn operator_key() -> &'static hufu_signature::PreparedKey {
    static KEY: LazyLock<hufu_signature::PreparedKey> =
        LazyLock::new(|| hufu_signature::PreparedKey::new(operator().public()).expect("a good key"));
    &KEY
}

/// A key of `issuer` published an hour ago and in force since, without end.
pub fn listed(issuer: &IssuerSigner, uses: Uses) -> ListedKey {
    let since = UnixSeconds(NOW.0 - 3600);
    issuer.listed(uses, since, since, FOREVER)
}

pub fn list(version: u64, keys: &[ListedKey]) -> TrustList {
    let bytes = TrustList::sign(version, UnixSeconds(NOW.0 - 600), keys, &operator());
    TrustList::open(&bytes, operator_key()).expect("our own list")
}

/// `list` in the layout of before keys named their schemes.
pub fn unnamed_schemes(list: &TrustList) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(1).int(-65539).array(if list.next_by().is_some() { 5 } else { 3 });
    writer.uint(list.version()).uint(list.made_at().0);
    if let Some(next_by) = list.next_by() {
        writer.uint(next_by.0).array(list.settles().len());
        for digest in list.settles() {
            writer.bytes(&digest.0);
        }
    }
    writer.array(list.keys().len());
    for (kid, key) in list.keys() {
        writer.array(8).bytes(&kid.0).uint(key.issuer.0).bytes(key.public.bytes());
        writer
            .uint(key.from.0)
            .uint(key.until.0)
            .uint(key.published.0)
            .uint(key.uses.to_bits())
            .bool(key.revoked);
    }
    operator().sign_payload(&writer.into_bytes())
}

/// A keyring that trusts [`issuer`] with every kind of code.
pub fn keyring() -> Keyring {
    Keyring::empty().update(&list(1, &[listed(&issuer(), Uses::CODES)]), NOW).expect("a good list")
}

pub fn paper() -> Credential<'static> {
    Credential {
        key: issuer().key(),
        issued: NOW,
        expires: UnixSeconds(NOW.0 + limits::PAPER_VALIDITY_S_MAX),
        holder: HOLDER,
        generation: 7,
        display: PHONE_DISPLAY,
        detail: Detail::Paper,
    }
}

pub fn family() -> Credential<'static> {
    Credential { detail: Detail::Family, ..paper() }
}

pub fn trip() -> Credential<'static> {
    let [from, until] = [NOW.0 + 86_400, NOW.0 + 90_000].map(UnixSeconds);
    let expires = UnixSeconds(NOW.0 + 90_000);
    Credential { expires, detail: Detail::Trip { hub: HubId(4_200_000_001), from, until }, ..paper() }
}

/// A phone's credential and the tree behind it, whose steps begin at [`NOW`].
pub fn phone() -> (Credential<'static>, StepTree) {
    let origin = NOW.step();
    let credential = paper();
    let salt = Salt::of(credential.key, credential.holder, credential.generation, origin, credential.issued);
    let tree = StepTree::new(&PHONE_SEED, &salt);
    let detail = Detail::Phone { root: tree.root(), origin };
    let expires = UnixSeconds(NOW.0 + limits::PHONE_VALIDITY_S_MAX);
    (Credential { expires, detail, ..credential }, tree)
}

pub fn step(index: u32) -> StepIndex {
    StepIndex::new(index).expect("in range")
}

pub fn signed(credential: &Credential<'_>) -> Vec<u8> {
    issuer().sign_credential(credential).expect("a good credential")
}

/// The text of a code of each kind, each admitted at [`NOW`].
pub fn texts() -> [(&'static str, String); 3] {
    let (phone, tree) = phone();
    [
        ("phone", code_text(&signed(&phone), Some(&tree.present(step(0))))),
        ("paper", code_text(&signed(&paper()), None)),
        ("trip", code_text(&signed(&trip()), None)),
    ]
}

/// The binary form of a code's text.
pub fn binary(text: &str) -> Vec<u8> {
    let mut out = [0; limits::CODE_BINARY_BYTES_MAX];
    hufu_codes::text::decode(text.as_bytes(), &mut out).expect("a code's text").to_vec()
}

/// Everything a check does with a code before it looks at the holder's status.
pub fn check_binary(keyring: &Keyring, binary: &[u8], now: UnixSeconds) -> Result<Shown, Reason> {
    let Code { credential, presentation } = code::parse(binary)?;
    let verified = keyring.admit(credential, now)?.verify(hufu_signature::backend())?;
    verified.valid_at(now)?;
    present(&verified, presentation.as_ref())
}

/// [`check_binary`] from the text on.
pub fn check_text(keyring: &Keyring, text: &[u8], now: UnixSeconds) -> Result<Shown, Reason> {
    let mut out = [0; limits::CODE_BINARY_BYTES_MAX];
    check_binary(keyring, hufu_codes::text::decode(text, &mut out)?, now)
}

/// Writes a code from nothing but its meaning.
pub fn rewritten(code: &Code<'_>) -> Vec<u8> {
    let claims = code.credential.claims();
    let mut protected = Writer::new();
    protected.map(2).int(1).int(-8).int(4).bytes(&claims.key.0);
    let mut writer = Writer::new();
    writer.array(1 + usize::from(code.presentation.is_some()));
    writer.array(4).bytes(&protected.into_bytes()).map(0);
    writer.bytes(&claims.payload()).bytes(code.credential.envelope().signature);
    if let Some(presentation) = code.presentation {
        writer.array(3).uint(presentation.step.get());
        writer.bytes(presentation.preimage).bytes(presentation.path);
    }
    writer.into_bytes()
}

/// Every byte string that a lax reader takes for the same items as `cbor`: one head in a longer form than it
/// needs, or of indefinite length.
pub fn other_spellings(cbor: &[u8]) -> Vec<Vec<u8>> {
    let mut spellings = Vec::new();
    let mut at = 0;
    while at < cbor.len() {
        let (major, info) = (cbor[at] & 0xe0, cbor[at] & 0x1f);
        let argument_bytes = if info < 24 { 0 } else { 1 << (info - 24) };
        let argument = &cbor[at + 1..][..argument_bytes];
        let value = if info < 24 {
            u64::from(info)
        } else {
            argument.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
        };
        let content_bytes =
            if matches!(major, 0x40 | 0x60) { usize::try_from(value).expect("a short string") } else { 0 };
        let next = at + 1 + argument_bytes;
        for longer in [1, 2, 4, 8].into_iter().filter(|longer| *longer > argument_bytes && major != 0xe0) {
            let info = 24 + longer.ilog2().to_le_bytes()[0];
            let argument = value.to_be_bytes();
            spellings.push([&cbor[..at], &[major | info], &argument[8 - longer..], &cbor[next..]].concat());
        }
        if matches!(major, 0x40 | 0x60) {
            let chunk = &cbor[at..next + content_bytes];
            spellings
                .push([&cbor[..at], &[major | 31], chunk, &[0xff], &cbor[next + content_bytes..]].concat());
        }
        if matches!(major, 0x80 | 0xa0) {
            // Good only where the array ends with everything; elsewhere the break is one more thing to
            // refuse.
            spellings.push([&cbor[..at], &[major | 31], &cbor[next..], &[0xff]].concat());
        }
        at = next + content_bytes;
    }
    spellings
}

/// `bytes` with one bit flipped, for every bit.
pub fn bit_flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}

pub fn steps_after(origin: Step, steps: u32) -> Step {
    Step(origin.0 + steps)
}
