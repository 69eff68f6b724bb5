//! `docs/CODES.md` and the code say the same bytes: every block of the worked example is computed here.

mod common;

use std::collections::BTreeMap;

use common::*;
use hufu_codes::cose::{Sign1, key_id};
use hufu_codes::credential::ORIGIN_MAX;
use hufu_codes::issue::code_text;
use hufu_codes::keyring::{Keyring, ListDigest, TrustList, Uses};
use hufu_codes::presentation::Shown;
use hufu_codes::{Credential, Detail, cbor, code};
use hufu_signature::{PreparedKey, PublicKey, Scheme};
use hufu_wire::{HolderIndex, IssuerId, Reason, SiteId, UnixSeconds, limits};

const DOCUMENT: &str = include_str!("../../../../docs/CODES.md");

/// What the document calls each byte string of its example.
fn example() -> BTreeMap<&'static str, Vec<u8>> {
    let (phone, tree) = phone();
    let credential = signed(&phone);
    let shown = tree.present(step(20));
    let envelope = Sign1::read(&mut cbor::Reader::new(&credential)).expect("our own");
    let binary = code::write(&credential, Some(shown.borrowed()));
    let Detail::Phone { root, .. } = phone.detail else { panic!("a phone") };

    let key = listed(&issuer(), Uses::CODES);
    let list = TrustList::sign(1, UnixSeconds(NOW.0 - 600), &[key], &operator());
    let times = (UnixSeconds(NOW.0 - 300), UnixSeconds(NOW.0 + 90 * 86_400));
    let dated = TrustList::sign_dated(2, times, &[ListDigest::of(&list)], &[key], &operator());
    let school = [HolderIndex(5), HolderIndex(123_456_789)];
    let neighbours = [HolderIndex(70_000)];
    let groups: [(IssuerId, &[HolderIndex]); 2] = [(ISSUER, &school), (IssuerId(310_000), &neighbours)];
    let expires = UnixSeconds(NOW.0 + 86_400);
    let roster = issuer().sign_roster(SiteId(77), NOW, expires, &groups).expect("a good roster");

    let salt = written_out::salt(&phone);
    BTreeMap::from([
        ("issuer-public", issuer().public().bytes().to_vec()),
        ("key-id", key_id(issuer().public()).0.to_vec()),
        ("payload", phone.payload()),
        ("signed", envelope.message().concat()),
        ("signature", envelope.signature.to_vec()),
        ("credential", credential.clone()),
        ("salt", salt.to_vec()),
        ("root", root.to_vec()),
        ("leaf", written_out::leaf(&salt, 1, 11, shown.preimage).to_vec()),
        ("preimage", shown.preimage.to_vec()),
        ("path", shown.path.to_vec()),
        ("code", binary.clone()),
        ("code-text", code_text(&credential, Some(&shown)).into_bytes()),
        ("paper-payload", paper().payload()),
        ("paper-text", code_text(&signed(&paper()), None).into_bytes()),
        ("family-payload", family().payload()),
        ("family-text", code_text(&signed(&family()), None).into_bytes()),
        ("trip-payload", trip().payload()),
        ("trip-text", code_text(&signed(&trip()), None).into_bytes()),
        ("operator-public", operator().public().bytes().to_vec()),
        ("trust-list", list.clone()),
        ("trust-list-dated", dated),
        ("roster", roster),
    ])
}

/// The step tree as the document words it, over a hash function that knows nothing of it.
mod written_out {
    use super::*;
    use sha2::{Digest as _, Sha256};

    fn hash(parts: &[&[u8]]) -> [u8; 16] {
        let digest = Sha256::digest(parts.concat());
        core::array::from_fn(|at| digest[at])
    }

    pub(super) fn salt(credential: &Credential<'_>) -> [u8; 16] {
        let Detail::Phone { origin, .. } = credential.detail else { panic!("a phone") };
        let [holder, origin, issued] =
            [credential.holder.0, origin.0, credential.issued.0].map(u32::to_le_bytes);
        let generation = [credential.generation];
        hash(&[b"hufu/1 step salt", &credential.key.0, &holder, &generation, &origin, &issued])
    }

    pub(super) fn leaf(salt: &[u8; 16], leaf: u8, first: u8, preimage: [u8; 16]) -> [u8; 16] {
        (first..16).fold(preimage, |value, n| hash(&[&[1], salt, &[leaf, n], &value]))
    }

    pub(super) fn root(salt: &[u8; 16], step: u16, preimage: [u8; 16], path: &[u8]) -> [u8; 16] {
        let [mut place, j] = [step / 16, step % 16].map(|part| part.to_le_bytes()[0]);
        let mut value = leaf(salt, place, 15 - j, preimage);
        for (level, sibling) in (1..).zip(path.chunks(16)) {
            let (left, right) = if place % 2 == 0 { (&value[..], sibling) } else { (sibling, &value[..]) };
            place /= 2;
            value = hash(&[&[2], salt, &[level, place], left, right]);
        }
        value
    }
}

#[test]
fn r02_the_step_tree_is_as_the_document_words_it() {
    let (phone, tree) = phone();
    let salt = written_out::salt(&phone);
    for index in [0, 1, 15, 16, 20, 255, 256, 2048, 4095] {
        let shown = tree.present(step(index));
        let root = written_out::root(&salt, shown.step.get(), shown.preimage, &shown.path);
        assert_eq!(root, tree.root(), "step {index}");
    }
}

#[test]
fn the_documents_numbers_are_the_limits() {
    for number in [
        format!("**{} bytes** of text", limits::CODE_TEXT_BYTES_MAX),
        format!("step origin, u32, at most {} ", ORIGIN_MAX.0),
        format!("text, 0 to {} bytes", limits::DISPLAY_BYTES_MAX),
        format!("At most {} keys", limits::ISSUER_KEYS_MAX),
        format!("now ≥ `nbf` − {} s", limits::NOT_BEFORE_TOLERANCE_S),
        format!(
            "now at most {},{:03} s after `until`",
            limits::ENDED_KEY_S_MAX / 1000,
            limits::ENDED_KEY_S_MAX % 1000
        ),
        format!("step: 0..{},", limits::STEPS - 1),
    ] {
        assert!(DOCUMENT.contains(&number), "{number}");
    }
    let listed = |number: usize| format!("{},{:03} members", number / 1000, number % 1000);
    assert!(DOCUMENT.contains(&listed(limits::ROSTER_MEMBERS_MAX)));
    for reason in Reason::ALL.into_iter().filter(|reason| matches!(reason.code(), 200..=217 | 600..=603)) {
        let slug = reason.slug();
        assert!(slug == "pass-back" || DOCUMENT.contains(&format!("`{slug}`")), "{slug}");
        // Where the number stands beside the name, it is the right one.
        for (at, _) in DOCUMENT.match_indices(&format!(" `{slug}`")) {
            let before = DOCUMENT[..at].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            assert!(before.len() != 3 || before == reason.code().to_string(), "{before} is not {slug}");
        }
    }
}

/// Blocks fenced as `hex NAME` or `text NAME`. In hex, spaces and everything after `;` are for people.
fn blocks() -> BTreeMap<&'static str, Vec<u8>> {
    let fences = DOCUMENT.split("\n```").skip(1).step_by(2);
    let named = fences.filter_map(|block| {
        let (header, body) = block.split_once('\n')?;
        let (kind, name) = header.split_once(' ')?;
        let bytes = match kind {
            "hex" => {
                let digits = body.lines().filter_map(|line| line.split(';').next());
                let digits: String = digits.flat_map(str::split_whitespace).collect();
                hex::decode(&digits).unwrap_or_else(|error| panic!("block {name}: {error}"))
            }
            "text" => body.trim_end_matches('\n').as_bytes().to_vec(),
            _ => return None,
        };
        Some((name, bytes))
    });
    named.collect()
}

#[test]
fn the_documents_bytes_are_the_codes_bytes() {
    let blocks = blocks();
    let example = example();
    for (name, bytes) in &example {
        let shown = blocks.get(name).map(hex::encode).unwrap_or_default();
        assert_eq!(shown, hex::encode(bytes), "block `{name}`");
    }
    assert_eq!(blocks.keys().collect::<Vec<_>>(), example.keys().collect::<Vec<_>>());
}

/// The other direction: the bytes in the document alone lead to the verdicts it names.
#[test]
fn the_documents_bytes_are_believed() {
    let blocks = blocks();
    let operator = PublicKey::new(Scheme::Ed25519, &blocks["operator-public"]).expect("32 bytes");
    let operator = PreparedKey::new(&operator).expect("a good key");
    let list = TrustList::open(&blocks["trust-list"], &operator).expect("genuine");
    let keyring = Keyring::empty().update(&list, NOW).expect("a good list");
    let dated = TrustList::open(&blocks["trust-list-dated"], operator_key()).expect("genuine");
    assert_eq!((dated.version(), dated.settles()), (2, &[ListDigest::of(&blocks["trust-list"])][..]));
    assert_eq!(dated.next_by(), Some(UnixSeconds(NOW.0 + 90 * 86_400)));
    let keyring = keyring.update(&dated, NOW).expect("it follows");
    let step = Shown::At(steps_after(NOW.step(), 20));
    assert_eq!(check_text(&keyring, &blocks["code-text"], NOW), Ok(step));
    assert_eq!(check_binary(&keyring, &blocks["code"], NOW), Ok(step));
    assert_eq!(check_text(&keyring, &blocks["paper-text"], NOW), Ok(Shown::NotNeeded));
    assert_eq!(check_text(&keyring, &blocks["family-text"], NOW), Ok(Shown::NotNeeded));
    assert_eq!(check_text(&keyring, &blocks["trip-text"], NOW), Ok(Shown::NotNeeded));
    let roster = hufu_codes::roster::parse(&blocks["roster"]).expect("well formed");
    let roster = keyring.admit(roster, NOW).expect("a known key").verify(hufu_signature::backend());
    assert_eq!(roster.map(|roster| roster.len()), Ok(3));
    let parsed = code::parse(&blocks["code"]).expect("well formed");
    assert_eq!(*parsed.credential.claims(), Credential { key: issuer().key(), ..phone().0 });
    assert_eq!(rewritten(&parsed), blocks["code"]);
}
