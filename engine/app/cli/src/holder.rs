//! A holder's file: the credential on a phone and the secret seed of its step tree.

use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use hufu_codes::cbor::Reader;
use hufu_codes::issue::code_text;
use hufu_codes::presentation::{Node, Salt, StepIndex, StepTree};
use hufu_codes::{Detail, SignedCredential};
use hufu_files::keys;
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_wire::{Step, UnixSeconds};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What a phone keeps.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HolderFile {
    /// The signed credential, hexadecimal.
    #[serde(with = "hex")]
    credential: Vec<u8>,
    /// The seed of the step tree, hexadecimal: who knows it can show the code in every step to come.
    seed: Zeroizing<String>,
}

/// How many steps ago: more than any site accepts ([`hufu_policy::SitePolicy::skew_steps`]), and no more than the service
/// of the holder's view accepts.
const PAST_STEPS: RangeInclusive<u32> = 6..=60;

impl HolderFile {
    /// The file of a phone with this credential and seed.
    pub(crate) fn new(credential: Vec<u8>, seed: &[u8; 32]) -> HolderFile {
        HolderFile { credential, seed: Zeroizing::new(hex::encode(seed)) }
    }

    /// Reads a holder's file.
    pub(crate) fn load(path: &Path) -> anyhow::Result<HolderFile> {
        keys::ensure_private(path)?;
        let text = Zeroizing::new(files::read_text(path)?);
        // The parser's error would show the line with the seed.
        toml::from_str(&text)
            .ok()
            .with_context(|| format!("{} is not a holder's file of `hufu issue phone`", path.display()))
    }

    /// Writes it for its owner alone.
    pub(crate) fn store(&self, path: &Path) -> anyhow::Result<()> {
        let text = Zeroizing::new(format!(
            "# A phone's credential, and the secret that proves it live: for its holder alone.\n{}",
            &*Zeroizing::new(toml::to_string(self)?)
        ));
        files::create(path, text.as_bytes(), Readable::Owner)
    }

    /// The code's text in the step of `now`.
    ///
    /// # Errors
    /// Something in the file is damaged, or the step lies outside of the credential's tree.
    pub(crate) fn present(&self, now: UnixSeconds) -> anyhow::Result<String> {
        let (tree, origin) = self.tree()?;
        let step = StepIndex::of(now.step(), origin).with_context(|| outside(now, origin))?;
        Ok(code_text(&self.credential, Some(&tree.present(step))))
    }

    /// The values that this phone releases, one in each step: what its slips are found by.
    ///
    /// # Errors
    /// Something in the file is damaged.
    pub(crate) fn values(&self) -> anyhow::Result<impl Iterator<Item = (Step, Node)>> {
        let (tree, origin) = self.tree()?;
        let steps = (0..=u32::from(StepIndex::LAST.get())).filter_map(StepIndex::new);
        Ok(steps.map(move |step| (step.after(origin), tree.present(step).preimage)))
    }

    /// The value that this phone releases in the step of `at`.
    ///
    /// # Errors
    /// As those of [`present`](Self::present).
    pub(crate) fn value(&self, at: UnixSeconds) -> anyhow::Result<Node> {
        let (tree, origin) = self.tree()?;
        let step = StepIndex::of(at.step(), origin).with_context(|| outside(at, origin))?;
        Ok(tree.present(step).preimage)
    }

    /// The code's text for a service that only has to see that the phone is live: of a step that no gate accepts any
    /// more, and that gives away no step that was shown. A phone that is too new for one shows the code of now.
    ///
    /// # Errors
    /// As those of [`present`](Self::present).
    pub(crate) fn present_past(
        &self,
        now: UnixSeconds,
        was_shown: impl Fn(Step) -> bool,
    ) -> anyhow::Result<String> {
        let (tree, origin) = self.tree()?;
        // The first step of a leaf: its value leads to no other step's (decision 1).
        let is_alone = |step: &StepIndex| step.get().is_multiple_of(16);
        let past = PAST_STEPS
            .filter_map(|behind| StepIndex::of(Step(now.step().0.checked_sub(behind)?), origin))
            .find(|step| is_alone(step) && !was_shown(step.after(origin)));
        match past {
            Some(step) => Ok(code_text(&self.credential, Some(&tree.present(step)))),
            None => self.present(now),
        }
    }

    /// The phone's step tree, and the step in which it begins.
    fn tree(&self) -> anyhow::Result<(StepTree, Step)> {
        let signed = SignedCredential::read(&mut Reader::new(&self.credential))
            .ok()
            .context("the credential in the holder's file is damaged")?;
        let claims = *signed.claims();
        let Detail::Phone { root, origin } = claims.detail else {
            bail!("only phone codes have presentations; this is a {:?} code", claims.kind());
        };
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(self.seed.as_bytes(), &mut *seed).ok().context("the seed is damaged")?;
        let salt = Salt::of(claims.key, claims.holder, claims.generation, origin, claims.issued);
        let tree = StepTree::new(&seed, &salt);
        ensure!(tree.root() == root, "the seed belongs to another credential");
        Ok((tree, origin))
    }
}

fn outside(now: UnixSeconds, origin: Step) -> String {
    let last = StepIndex::LAST.after(origin);
    format!(
        "{} is outside the credential's time steps, {} to {}",
        moment::show(now),
        moment::show(origin.starts()),
        moment::show(last.starts())
    )
}

#[cfg(test)]
mod tests {
    use hufu_codes::issue::IssuerSigner;
    use hufu_codes::{Credential, code};
    use hufu_wire::{HolderIndex, IssuerId, limits};

    use super::*;

    const ISSUED: UnixSeconds = UnixSeconds(1_795_000_000);
    const NEVER: fn(Step) -> bool = |_| false;

    fn phone() -> HolderFile {
        let signer = IssuerSigner::from_seed(&[7; 32], IssuerId(1));
        let (holder, seed) = (HolderIndex(5), [3; 32]);
        let origin = Step(ISSUED.step().0 - 8);
        let salt = Salt::of(signer.key(), holder, 0, origin, ISSUED);
        let credential = signer.sign_credential(&Credential {
            key: signer.key(),
            issued: ISSUED,
            expires: UnixSeconds(ISSUED.0 + 86_400),
            holder,
            generation: 0,
            display: "W*1",
            detail: Detail::Phone { root: StepTree::new(&seed, &salt).root(), origin },
        });
        HolderFile::new(credential.unwrap(), &seed)
    }

    /// Of a code's text: which step it is, and how many steps ago that was.
    fn step(text: &str, now: UnixSeconds) -> (u16, u32) {
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        let code = code::parse_text(text.as_bytes(), &mut binary).unwrap();
        let step = code.presentation.unwrap().step;
        let Detail::Phone { origin, .. } = code.credential.claims().detail else { panic!("a phone's") };
        (step.get(), now.step().0 - step.after(origin).0)
    }

    #[test]
    fn r41_the_code_of_a_ticket_is_of_no_use_at_a_gate_and_leads_to_no_slip() {
        let phone = phone();
        for after_s in (0..14_400).step_by(30) {
            let now = UnixSeconds(ISSUED.0 + after_s);
            let (index, ago) = step(&phone.present_past(now, NEVER).unwrap(), now);
            // A site accepts at most 4 steps either side, and its clock may be another step behind.
            assert!((6..=60).contains(&ago), "{after_s} s: {ago} steps ago");
            assert_eq!(index % 16, 0, "its value leads to earlier steps");
        }
        // One that was shown is passed over.
        let now = UnixSeconds(ISSUED.0 + 3600);
        let (newest, _) = step(&phone.present_past(now, NEVER).unwrap(), now);
        let origin = Step(ISSUED.step().0 - 8);
        let was_shown = |shown: Step| shown.0 == origin.0 + u32::from(newest);
        let (older, _) = step(&phone.present_past(now, was_shown).unwrap(), now);
        assert_eq!(older, newest - 16);
        // A phone that has shown all of them shows the code of now.
        let (_, ago) = step(&phone.present_past(now, |_| true).unwrap(), now);
        assert_eq!(ago, 0);
    }
}
