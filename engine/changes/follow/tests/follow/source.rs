//! A registry in memory, a feed of it that misbehaves as it is told, and a store of snapshots that does.

use std::collections::HashMap;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hufu_codes::chain::Tip;
use hufu_sync::{Delivery, Feed, FeedFault, Snapshots};
use hufu_table::SnapshotDigest;
use hufu_wire::{Sequence, UnixMillis};

use crate::chain::{ISSUER, Link, Vouched, publisher};
use crate::world::now;

/// How a feed behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    #[default]
    Honest,
    /// Subscribes and says nothing.
    Silent,
    /// Does not even answer.
    Deaf,
    /// Brings heads and no sets.
    Hung,
    /// Brings heads, and of the sets every one but this.
    Without(Sequence),
    /// Brings this set again and again, without waiting.
    Repeating(Sequence),
    /// Brings what is no message at all, without waiting.
    Flooding,
    /// Brings this set, which is always too early, again and again, without waiting.
    Beyond(Sequence),
    /// Brings sets with a bit flipped.
    Lying,
    /// Breaks off after each message.
    Breaking,
    /// Brings the set that is kept aside, then is honest.
    Stray,
    /// Panics.
    Panicking,
    /// Keeps the thread that asks it.
    Blocking,
}

#[derive(Default)]
struct Inside {
    links: Vec<Link>,
    stray: Option<Link>,
    checkpoint: Option<Bytes>,
    manner: Manner,
    /// Sets up to this one are no longer here.
    trimmed: u64,
    subscriptions: u64,
    left: u64,
    asked: u64,
    panics_when_asked: bool,
}

/// A chain, shared by the test and its feeds.
#[derive(Clone, Default)]
pub struct Source(Arc<Mutex<Inside>>);

/// One engine's feed of it.
pub struct Wire {
    source: Source,
    after: Sequence,
    is_trim_told: bool,
    head: Option<tokio::time::Instant>,
    is_broken: bool,
    is_subscribed: bool,
}

/// Heads come this often in tests.
const BEAT: Duration = Duration::from_millis(20);

impl Source {
    pub fn with(links: &[Link]) -> Source {
        let source = Source::default();
        source.inside().links = links.to_vec();
        source
    }

    pub fn push(&self, link: &Link) {
        self.inside().links.push(link.clone());
    }

    pub fn is(&self, manner: Manner) {
        self.inside().manner = manner;
    }

    pub fn keeps_aside(&self, stray: &Link) {
        self.inside().stray = Some(stray.clone());
    }

    pub fn panics_when_asked(&self) {
        self.inside().panics_when_asked = true;
    }

    pub fn trims(&self, to: u64) {
        self.inside().trimmed = to;
    }

    pub fn vouches(&self, vouched: &Vouched) {
        self.inside().checkpoint = Some(vouched.bytes.clone().into());
    }

    /// Goes on after a checkpoint above: its sets are those of another tip.
    pub fn goes_on(&self, links: &[Link]) {
        self.inside().links = links.to_vec();
    }

    pub fn subscriptions(&self) -> u64 {
        self.inside().subscriptions
    }

    /// How often a subscription was dropped.
    pub fn left(&self) -> u64 {
        self.inside().left
    }

    /// How often it was asked for a checkpoint.
    pub fn asked(&self) -> u64 {
        self.inside().asked
    }

    pub fn feed(&self) -> Box<dyn Feed> {
        let source = self.clone();
        Box::new(Wire {
            source,
            after: Sequence(0),
            is_trim_told: false,
            head: None,
            is_broken: false,
            is_subscribed: false,
        })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl Wire {
    fn at_once(&mut self) -> Option<Delivery> {
        let mut inside = self.source.inside();
        let whole = |link: &Link| Delivery::ChangeSet(link.bytes.clone().into());
        let of = |inside: &Inside, sequence| {
            inside.links.iter().find(|link| link.tip.sequence == sequence).map(whole)
        };
        match inside.manner {
            Manner::Repeating(set) | Manner::Beyond(set) => of(&inside, set),
            Manner::Flooding => Some(Delivery::ChangeSet(Bytes::from_static(&[7; 4000]))),
            Manner::Hung | Manner::Silent | Manner::Deaf | Manner::Panicking | Manner::Blocking => None,
            Manner::Stray if inside.stray.is_some() => inside.stray.take().as_ref().map(whole),
            manner => {
                if self.after.0 < inside.trimmed {
                    if std::mem::replace(&mut self.is_trim_told, true) {
                        return None;
                    }
                    let first =
                        inside.links.iter().map(|link| link.tip.sequence).find(|s| s.0 > inside.trimmed);
                    return Some(Delivery::Trimmed { first });
                }
                let next = inside.links.iter().find(|link| link.tip.sequence > self.after).cloned()?;
                self.after = next.tip.sequence;
                if manner == Manner::Without(next.tip.sequence) {
                    drop(inside);
                    return self.at_once();
                }
                let mut bytes = next.bytes.clone();
                if manner == Manner::Lying {
                    let last = bytes.len() - 1;
                    bytes[last] ^= 1;
                }
                Some(Delivery::ChangeSet(bytes.into()))
            }
        }
    }

    fn head(&self) -> Delivery {
        let inside = self.source.inside();
        let tip = inside.links.last().map_or(Tip::START, |link| link.tip);
        Delivery::Head(publisher().head(ISSUER, &tip, now()).to_vec().into())
    }

    fn manner(&self) -> Manner {
        self.source.inside().manner
    }
}

#[async_trait]
impl Feed for Wire {
    fn name(&self) -> &'static str {
        "a feed in memory"
    }

    async fn subscribe(&mut self, after: Sequence) -> Result<(), FeedFault> {
        self.source.inside().subscriptions += 1;
        if self.manner() == Manner::Deaf {
            pending::<()>().await;
        }
        (self.after, self.is_trim_told, self.head, self.is_broken) = (after, false, None, false);
        self.is_subscribed = true;
        Ok(())
    }

    fn leave(&mut self) {
        if std::mem::take(&mut self.is_subscribed) {
            self.source.inside().left += 1;
        }
    }

    async fn next(&mut self) -> Result<Delivery, FeedFault> {
        assert!(self.is_subscribed, "asked without a subscription");
        loop {
            let manner = self.manner();
            assert!(manner != Manner::Panicking, "a feed that panics");
            if manner == Manner::Blocking {
                std::thread::sleep(Duration::from_secs(60));
            }
            if manner == Manner::Breaking && std::mem::replace(&mut self.is_broken, true) {
                let (feed, what) = (self.name().to_owned(), "broken off".to_owned());
                return Err(FeedFault::Unreachable { feed, what });
            }
            if let Some(delivery) = self.at_once() {
                return Ok(delivery);
            }
            let due = *self.head.get_or_insert_with(tokio::time::Instant::now);
            if due <= tokio::time::Instant::now() && manner != Manner::Silent {
                self.head = Some(tokio::time::Instant::now() + BEAT);
                return Ok(self.head());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn checkpoint(&mut self) -> Result<Option<Bytes>, FeedFault> {
        let mut inside = self.source.inside();
        inside.asked += 1;
        let (checkpoint, panics) = (inside.checkpoint.clone(), inside.panics_when_asked);
        drop(inside);
        assert!(!panics, "a feed that panics when it is asked");
        Ok(checkpoint)
    }
}

/// Snapshots by digest, some of which it damages.
#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    files: HashMap<[u8; 32], PathBuf>,
    /// How many more fetches bring something damaged.
    damaged: u32,
    fetches: u64,
}

impl Store {
    pub fn put(&self, vouched: &Vouched, folder: &Path) {
        let from = folder.join(format!("{}-{}.snapshot", vouched.tip.sequence, vouched.tip.digest));
        self.shelf().files.insert(vouched.snapshot.info().digest.0, from);
    }

    pub fn damages(&self, fetches: u32) {
        self.shelf().damaged = fetches;
    }

    pub fn fetches(&self) -> u64 {
        self.shelf().fetches
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().expect("nobody panics with it")
    }
}

#[async_trait]
impl Snapshots for Store {
    fn name(&self) -> &'static str {
        "a store in memory"
    }

    async fn fetch(&self, snapshot: SnapshotDigest, path: &Path) -> Result<(), FeedFault> {
        let mut shelf = self.shelf();
        shelf.fetches += 1;
        let missing =
            || FeedFault::Unreachable { feed: "a store".to_owned(), what: "no such one".to_owned() };
        let from = shelf.files.get(&snapshot.0).ok_or_else(missing)?;
        let mut bytes = std::fs::read(from).expect("a file of the test");
        if shelf.damaged > 0 {
            shelf.damaged -= 1;
            // A word: the list of segments stays whole.
            bytes[64 + 8] ^= 1;
        }
        std::fs::write(path, bytes)
            .map_err(|error| FeedFault::Disk { feed: "a store".to_owned(), what: error.to_string() })
    }
}

/// A head of now.
pub fn head_now(tip: &Tip) -> Vec<u8> {
    publisher().head(ISSUER, tip, UnixMillis(now().0)).to_vec()
}
