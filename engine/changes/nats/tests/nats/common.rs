//! A registry in memory with really signed sets, what is in a stream, and an engine that follows it as engines do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream;
use async_trait::async_trait;
use bytes::Bytes;
use hufu_codes::chain::{AuthoritySigner, Tip, chain_digest, content_digest};
use hufu_contract::{ChainSource, SourceFault, StoredSet};
use hufu_fixtures::services::Nats;
use hufu_nats::{Keep, NatsFeed, NatsOptions, Publisher, PublisherOptions};
use hufu_sync::{Delivery, Feed as _, FeedFault};
use hufu_wire::chain::{
    Change, ChangeSet, Changes, Checkpoint, Content, Head, InputsDigest, Parts, Position, Record,
};
use hufu_wire::{Colour, HolderIndex, IssuerId, Message, RuleId, Sequence, StatusWord, UnixMillis};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, timeout, timeout_at};

pub const ISSUER: IssuerId = IssuerId(310_000);
const NATIONAL: IssuerId = IssuerId(100_000);
const START: UnixMillis = UnixMillis(1_790_000_000_000);

/// Chains of one registry's database.
pub struct Registry {
    chains: Mutex<BTreeMap<IssuerId, Chain>>,
    grown: broadcast::Sender<IssuerId>,
    signers: [AuthoritySigner; 3],
}

struct Chain {
    sets: Vec<StoredSet>,
    tip: Tip,
    checkpoint: Option<Bytes>,
}

impl Registry {
    pub fn new() -> Arc<Registry> {
        Registry::of(&[ISSUER])
    }

    pub fn of(issuers: &[IssuerId]) -> Arc<Registry> {
        let signers = [0x61, 0x62, 0x63].map(|seed| AuthoritySigner::from_seed(&[seed; 32], NATIONAL));
        let chains = Mutex::default();
        let registry = Registry { chains, grown: broadcast::channel(64).0, signers };
        for issuer in issuers {
            registry.add(*issuer);
        }
        Arc::new(registry)
    }

    /// Begins an issuer's chain.
    pub fn add(&self, issuer: IssuerId) {
        let chain = Chain { sets: Vec::new(), tip: Tip::START, checkpoint: None };
        self.chains.lock().expect("no panic").insert(issuer, chain);
    }

    /// A chain with the same first `sets` and another history after them.
    pub fn restored(&self, sets: usize) -> Arc<Registry> {
        let copy = Registry::new();
        for set in &self.sets()[..sets] {
            copy.push(ISSUER, &set.bytes);
        }
        copy
    }

    /// Appends a set with one change.
    pub fn append(&self) -> Sequence {
        self.append_changes(1)
    }

    /// Appends a set with so many changes.
    pub fn append_changes(&self, changes: u32) -> Sequence {
        let bytes = self.signed(changes, self.tip(), 7);
        self.push(ISSUER, &bytes)
    }

    /// Appends a set that no other registry here appends.
    pub fn append_other(&self) -> Sequence {
        let bytes = self.signed(1, self.tip(), 8);
        self.push(ISSUER, &bytes)
    }

    /// Vouches for the chain as it is.
    pub fn checkpoint(&self) -> Bytes {
        let tip = self.tip();
        let [local, national, _] = &self.signers;
        let mut checkpoint = Checkpoint {
            issuer: ISSUER,
            sequence: tip.sequence,
            made: UnixMillis(tip.confirmed.0 + 500),
            proposed: tip.proposed,
            local_key: local.key(),
            national_key: national.key(),
            digest: tip.digest,
            snapshot: [7; 32],
            local_signature: [0; 64],
            national_signature: [0; 64],
        };
        checkpoint.local_signature = local.vouch(&checkpoint).expect("its own");
        checkpoint.national_signature = national.vouch(&checkpoint).expect("its own");
        let bytes = written(&checkpoint);
        self.with(ISSUER, |chain| chain.checkpoint = Some(bytes.clone()));
        bytes
    }

    pub fn sets(&self) -> Vec<StoredSet> {
        self.with(ISSUER, |chain| chain.sets.clone())
    }

    pub fn tip(&self) -> Tip {
        self.with(ISSUER, |chain| chain.tip)
    }

    /// Appends a set that was signed before.
    pub fn push(&self, issuer: IssuerId, bytes: &Bytes) -> Sequence {
        let set = ChangeSet::read_from(bytes).expect("our own");
        let parts = Parts::of(bytes).expect("our own");
        let digest = chain_digest(parts.position, &content_digest(parts.content));
        let (sequence, confirmed) = (set.position.sequence, set.position.confirmed);
        let tip = Tip { sequence, digest, proposed: set.content.proposed, confirmed };
        self.with(issuer, |chain| {
            chain.sets.push(StoredSet { sequence, bytes: bytes.clone() });
            chain.tip = tip;
        });
        let _ = self.grown.send(issuer);
        sequence
    }

    fn signed(&self, changes: u32, tip: Tip, rule: u32) -> Bytes {
        let red = Change::Status(StatusWord::new(Colour::Red, 0));
        let records: Vec<_> = (0..changes).map(|holder| Record::new(HolderIndex(holder), red)).collect();
        let proposed = UnixMillis(START.0 + tip.sequence.0 * 1000 + 1000);
        let [local, national, _] = &self.signers;
        let content = Content {
            proposed: proposed.into(),
            valid_s: 60,
            rule: RuleId(rule),
            inputs: InputsDigest([0x55; 32]),
            local_key: local.key(),
            reason: "contact of a case",
            changes: Changes::new(&records).expect("good records"),
        };
        let position = Position {
            issuer: ISSUER,
            sequence: tip.next(),
            confirmed: UnixMillis(proposed.0 + 300),
            national_key: national.key(),
            previous: tip.digest,
        };
        let digest = content_digest(&written(&content));
        written(&ChangeSet {
            position,
            content,
            local_signature: local.sign_content(ISSUER, &digest),
            national_signature: national.sign_position(&position, &digest),
        })
    }

    fn with<T>(&self, issuer: IssuerId, look: impl FnOnce(&mut Chain) -> T) -> T {
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        look(chains.get_mut(&issuer).expect("an issuer of this registry"))
    }
}

#[async_trait]
impl ChainSource for Registry {
    async fn issuers(&self) -> Result<Vec<IssuerId>, SourceFault> {
        Ok(self.chains.lock().expect("no panic").keys().copied().collect())
    }

    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, SourceFault> {
        Ok(self.with(issuer, |chain| {
            let mut bytes = 0;
            let sets = chain.sets.iter().filter(|set| set.sequence > after);
            let fits = sets.take_while(|set| {
                let is_first = bytes == 0;
                bytes += set.bytes.len();
                is_first || bytes <= bytes_max
            });
            fits.cloned().collect()
        }))
    }

    async fn head(&self, issuer: IssuerId) -> Result<[u8; Head::BYTES], SourceFault> {
        let tip = self.with(issuer, |chain| chain.tip);
        Ok(self.signers[2].head(issuer, &tip, UnixMillis(tip.confirmed.0 + 1)))
    }

    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<Bytes>, SourceFault> {
        Ok(self.with(issuer, |chain| chain.checkpoint.clone()))
    }

    fn grown(&self) -> broadcast::Receiver<IssuerId> {
        self.grown.subscribe()
    }
}

fn written<'a>(message: &impl Message<'a>) -> Bytes {
    let mut bytes = vec![0; message.size()];
    message.write_to(&mut bytes);
    bytes.into()
}

pub fn options(nats: &Nats) -> NatsOptions {
    NatsOptions::new(&nats.url()).expect("an address")
}

pub fn options_of(servers: &[Nats]) -> NatsOptions {
    let urls: Vec<_> = servers.iter().map(Nats::url).collect();
    NatsOptions::new(&urls.join(",")).expect("addresses")
}

pub fn publish(nats: &Nats, registry: &Arc<Registry>) -> Publisher {
    publish_with(options(nats), 1, Keep::default(), registry)
}

pub fn publish_with(nats: NatsOptions, replicas: usize, keep: Keep, registry: &Arc<Registry>) -> Publisher {
    let source: Arc<dyn ChainSource> = Arc::<Registry>::clone(registry);
    Publisher::start(PublisherOptions { nats, replicas, keep }, source)
}

pub async fn client(options: &str) -> jetstream::Context {
    jetstream::new(async_nats::connect(options).await.expect("a server"))
}

/// Every message of the issuer's stream, in order.
pub async fn stream(nats: &Nats) -> Vec<Bytes> {
    let client = client(&nats.url()).await;
    let Ok(mut stream) = client.get_stream(format!("HUFU-{ISSUER}")).await else { return Vec::new() };
    let state = stream.info().await.expect("a state").state.clone();
    let mut messages = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        if let Ok(message) = stream.get_raw_message(sequence).await {
            messages.push(message.payload);
        }
    }
    messages
}

/// Waits until the stream holds these sets and nothing else.
pub async fn wait_for_stream(nats: &Nats, sets: &[StoredSet]) {
    let wanted: Vec<_> = sets.iter().map(|set| set.bytes.clone()).collect();
    let begun = Instant::now();
    loop {
        let there = stream(nats).await;
        if there == wanted {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "the stream holds {:?} and should hold {:?}",
            sequences(&there),
            sequences(&wanted)
        );
        sleep(Duration::from_millis(50)).await;
    }
}

pub fn sequences(sets: &[Bytes]) -> Vec<u64> {
    sets.iter().map(|bytes| sequence(bytes)).collect()
}

/// 0 for what is no set.
pub fn sequence(bytes: &[u8]) -> u64 {
    ChangeSet::read_from(bytes).map_or(0, |set| set.position.sequence.0)
}

/// An engine that knows its tip, asks for what comes after it, and begins anew when a feed fails or a head names sets
/// that do not come.
pub struct Engine {
    pub feed: NatsFeed,
    pub tip: Sequence,
    pub faults: Vec<FeedFault>,
}

impl Engine {
    const HUNG: Duration = Duration::from_millis(1500);

    pub fn new(options: NatsOptions) -> Engine {
        Engine { feed: NatsFeed::new(options, ISSUER), tip: Sequence(0), faults: Vec::new() }
    }

    /// Follows until `registry`'s chain has come to its end, every set the registry's.
    pub async fn catch_up(&mut self, registry: &Registry, within: Duration) {
        let deadline = Instant::now() + within;
        while self.tip < registry.tip().sequence {
            let tip = self.tip;
            let followed = timeout_at(deadline, self.follow(registry)).await;
            assert!(followed.is_ok(), "still at {tip}, after {:?}", self.faults);
        }
    }

    async fn follow(&mut self, registry: &Registry) {
        if let Err(fault) = self.feed.subscribe(self.tip).await {
            self.faults.push(fault);
            return sleep(Duration::from_millis(100)).await;
        }
        let mut wanted_since: Option<Instant> = None;
        while self.tip < registry.tip().sequence {
            if wanted_since.is_some_and(|since| since.elapsed() > Self::HUNG) {
                return;
            }
            let Ok(delivery) = timeout(Duration::from_millis(100), self.feed.next()).await else { continue };
            match delivery {
                Ok(Delivery::ChangeSet(bytes)) if sequence(&bytes) == self.tip.0 + 1 => {
                    let set = registry.sets()[usize::try_from(self.tip.0).expect("few")].clone();
                    assert_eq!(bytes, set.bytes, "set {} is not the registry's", set.sequence);
                    self.tip = set.sequence;
                    wanted_since = None;
                }
                Ok(Delivery::ChangeSet(bytes)) => {
                    assert!(sequence(&bytes) <= self.tip.0, "a gap after {}: {}", self.tip, sequence(&bytes));
                }
                Ok(Delivery::Head(bytes)) => {
                    let head = Head::read_from(&bytes).expect("a head");
                    if head.sequence > self.tip {
                        wanted_since.get_or_insert_with(Instant::now);
                    }
                }
                Ok(Delivery::Checkpoint(_)) => {}
                Ok(Delivery::Trimmed { first }) => panic!("trimmed, the first is {first:?}"),
                Err(fault) => {
                    self.faults.push(fault);
                    return sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// The next delivery that is no head.
pub async fn next(feed: &mut NatsFeed) -> Delivery {
    let next = async {
        loop {
            match feed.next().await.expect("a delivery") {
                Delivery::Head(_) => {}
                delivery => return delivery,
            }
        }
    };
    timeout(Duration::from_secs(30), next).await.expect("it comes")
}

/// Subscribes as soon as there is a stream.
pub async fn subscribe(feed: &mut NatsFeed, after: u64) {
    let begun = Instant::now();
    while let Err(fault) = feed.subscribe(Sequence(after)).await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{fault}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Asks for the newest checkpoint, again when the server gave no answer: one that has only just made the stream
/// already names it, and still lets the first question about it pass by.
pub async fn newest_checkpoint(feed: &mut NatsFeed) -> Option<Bytes> {
    let begun = Instant::now();
    loop {
        match feed.checkpoint().await {
            Ok(checkpoint) => return checkpoint,
            Err(fault) => assert!(begun.elapsed() < Duration::from_secs(30), "{fault}"),
        }
    }
}
