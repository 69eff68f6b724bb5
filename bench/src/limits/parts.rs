//! Each step of the spine by itself, on the codes that the whole path is shown.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hufu_bench::{BATCH, Packets, Stage, read};
use hufu_check::Spine;
use hufu_codes::keyring::Keyring;
use hufu_codes::presentation::present_all;
use hufu_codes::seen::SeenCache;
use hufu_fixtures::sites;
use hufu_peers::Scene;
use hufu_policy::{Facts, Presented, Shown, Sites, evaluate};
use hufu_table::Slot;
use hufu_wire::{Age, HolderIndex, Reason, StatusWord, Verdict, limits, sealed};

use crate::measure::{Measured, What, us_each};

/// Different codes in turn, as many as the whole path sees again.
const CODES: usize = hufu_peers::load::PHONES;
/// Runs of each cheap step in a round.
const TIMES: u32 = 20_000;
/// Batches of each dear one.
const BATCHES: u32 = 150;

/// Checks in a batch, to divide by.
const PER_BATCH: f64 = 32.0;
const _: () = assert!(BATCH == 32);

/// What the parts work on.
pub(crate) struct Parts {
    texts: Vec<Vec<u8>>,
    remembering: Stage,
    forgetful: Stage,
    keyring: Keyring,
    sites: Sites,
    key: LessSafeKey,
    phones: Asked,
    papers: Asked,
    unknown: Asked,
}

/// A worker, and packets for it.
struct Asked {
    spine: Spine,
    packets: Packets,
}

impl Asked {
    fn new(stage: &Stage, texts: &[Vec<u8>]) -> Asked {
        let packets = stage.gates(64).seal(texts.iter().map(Vec::as_slice));
        let mut asked = Asked { spine: stage.spine(), packets };
        asked.us_per_check(stage, u32::try_from(texts.len().div_ceil(BATCH)).unwrap_or(1));
        asked
    }

    fn us_per_check(&mut self, stage: &Stage, batches: u32) -> f64 {
        let mut spent = 0.0;
        for _ in 0..batches {
            spent += self.packets.answer_us(&mut self.spine, stage.now, BATCH);
        }
        spent / f64::from(batches) / PER_BATCH
    }
}

impl Parts {
    pub(crate) fn new(scene: Scene) -> Parts {
        let remembering = Stage::new(scene.holders, 1 << 22);
        // It remembers four, so that a few thousand in turn are always new to it.
        let forgetful = Stage::new(scene.holders, 1);
        let texts = |codes: Vec<(Vec<u8>, _)>| codes.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
        let phones = texts(remembering.phone_codes(CODES));
        let papers = texts(remembering.paper_codes(CODES));
        #[expect(clippy::expect_used, reason = "AES-128 takes any 16 bytes")]
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("16 bytes"));
        #[expect(clippy::expect_used, reason = "a world's sites are well formed")]
        let sites = Sites::parse(sites::SITES_TOML, "sites.toml").expect("a world's sites");
        Parts {
            phones: Asked::new(&remembering, &phones),
            papers: Asked::new(&remembering, &papers),
            unknown: Asked::new(&forgetful, &phones),
            keyring: remembering.keyring(),
            texts: phones,
            remembering,
            forgetful,
            sites,
            key,
        }
    }

    /// Measures every part once.
    pub(crate) fn measure(&mut self, measured: &mut Measured) {
        measured.add(What::Sealing, self.sealing());
        measured.add(What::Policy, self.policy());
        measured.add(What::LookUp, self.look_up());
        self.of_codes(measured);
        measured.add(What::SpineAgain, self.phones.us_per_check(&self.remembering, 2 * BATCHES));
        measured.add(What::SpinePaper, self.papers.us_per_check(&self.remembering, 2 * BATCHES));
        measured.add(What::SpineFirst, self.unknown.us_per_check(&self.forgetful, BATCHES));
    }

    /// Text, signature, memory and presentation.
    fn of_codes(&self, measured: &mut Measured) {
        let texts = |n: usize| &self.texts[n % self.texts.len()];
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        measured.add(What::Reading, us_each(TIMES, |n| _ = black_box(read(texts(n), &mut binary))));

        let mut binaries = vec![[0; limits::CODE_BINARY_BYTES_MAX]; self.texts.len()];
        let codes: Vec<_> =
            self.texts.iter().zip(&mut binaries).map(|(text, binary)| read(text, binary)).collect();
        let now = self.remembering.now.seconds();
        let admitted: Vec<_> =
            codes.iter().filter_map(|code| self.keyring.admit(code.credential, now).ok()).collect();
        let of = |n: usize| &admitted[n % admitted.len()];

        let jobs: Vec<_> = admitted.iter().map(hufu_codes::Admitted::job).collect();
        let batches: Vec<_> = jobs.as_chunks::<BATCH>().0.iter().collect();
        let mut genuine = [false; BATCH];
        let backend = hufu_signature::backend();
        let batch_us = us_each(BATCHES, |n| backend.verify(batches[n % batches.len()], &mut genuine));
        assert!(genuine.iter().all(|&genuine| genuine), "a world's codes are genuine");
        measured.add(What::Signature, batch_us / PER_BATCH);

        let cache = SeenCache::new(1 << 22, [7; 16]);
        let unseen: Vec<_> = admitted.iter().filter_map(|admitted| cache.recall(*admitted).err()).collect();
        let mut answers = vec![Err(Reason::BadSignature); unseen.len()];
        cache.verify(backend, &unseen, &mut answers);
        let recall = |n| _ = black_box(cache.recall(*black_box(of(n))));
        measured.add(What::Recall, us_each(TIMES, recall));
        let shown: Vec<_> =
            answers.iter().flatten().zip(codes.iter().map(|code| code.presentation)).collect();
        let batches = shown.as_chunks::<BATCH>().0;
        let mut proved = [Err(Reason::PresentationInvalid); BATCH];
        let present = |n: usize| {
            let batch = batches[n % batches.len()].iter();
            present_all(batch.map(|(credential, shown)| (*credential, shown.as_ref())), &mut proved);
        };
        let batch_us = us_each(BATCHES, present);
        assert!(proved.iter().all(Result::is_ok), "a world's phones are genuine");
        measured.add(What::Presentation, batch_us / PER_BATCH);
    }

    fn sealing(&self) -> f64 {
        let nonce = || Nonce::assume_unique_for_key([9; 12]);
        let header = [1; sealed::REQUEST_HEADER_BYTES];
        let mut request = vec![5; limits::CHECK_REQUEST_HEADER_BYTES + self.texts[0].len()];
        if self.key.seal_in_place_append_tag(nonce(), Aad::from(header), &mut request).is_err() {
            return f64::NAN;
        }
        let (mut opened, mut verdict) = (request.clone(), [3; Verdict::BYTES]);
        us_each(TIMES, |_| {
            opened.copy_from_slice(&request);
            let aad = Aad::from(black_box(&header));
            black_box(self.key.open_in_place(nonce(), aad, &mut opened).is_ok());
            let aad = Aad::from(black_box(&header[..sealed::REPLY_HEADER_BYTES]));
            black_box(self.key.seal_in_place_separate_tag(nonce(), aad, &mut verdict).is_ok());
        })
    }

    fn policy(&self) -> f64 {
        let now = self.remembering.now.seconds();
        let (issuer, holder) = self.remembering.world.passer_by(0);
        let status = self.remembering.world.status(issuer, holder);
        let shown = Shown::Phone { generation: status.generation(), presented: Presented::Current };
        let facts = Facts { now, shown, issuer, status, age: Age::Millis(800) };
        us_each(TIMES, |_| {
            let policy = self.sites.get(black_box(sites::MARKET.id));
            black_box(policy.map(|policy| evaluate(policy, black_box(&facts))));
        })
    }

    fn look_up(&self) -> f64 {
        let table = self.remembering.engine.table();
        let wanted: Vec<(Slot, HolderIndex)> = (0..BATCH as u64 * u64::from(BATCHES))
            .map(|turn| self.remembering.world.passer_by(turn))
            .filter_map(|(issuer, holder)| Some((table.slot(issuer)?, holder)))
            .collect();
        let (batches, _) = wanted.as_chunks::<BATCH>();
        let mut words = [StatusWord::UNKNOWN; BATCH];
        let batch_us = us_each(4 * BATCHES, |n| {
            table.lookup_batch(&batches[n % batches.len()], &mut words);
            black_box(&words);
        });
        batch_us / PER_BATCH
    }
}
