//! One issuer's follower: what it knows, and what it wants.

use hufu_codes::chain::{Authorities, Tip};
use hufu_signature::Backend;
use hufu_table::Writer;
use hufu_wire::chain::Head;
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{IssuerId, Sequence, UnixMillis};

use crate::answer::Wanted;
use crate::counters::Counters;
use crate::fault::SyncFault;
use crate::words::Words;

/// Follows one issuer's chain into its words: those of the table, or of a gate without a network. There is one for each
/// issuer, because it owns the issuer's one writer.
pub struct Follower<W = Writer> {
    pub(crate) authorities: Authorities,
    pub(crate) words: W,
    pub(crate) backend: &'static dyn Backend,
    /// The last change set that is in the words.
    pub(crate) tip: Tip,
    /// Up to here a checkpoint has settled what the history is: an older set is old, never a fork.
    pub(crate) settled: Sequence,
    /// Both authorities signed two histories.
    pub(crate) is_forked: bool,
    /// A head names another history than the words'. Its publisher alone says so: sets go on being applied.
    pub(crate) is_contradicted: bool,
    /// The greatest era of the chain's time in which both authorities are known to have signed, at an instant that
    /// this engine's clock has reached. Sets of an era before it may be dated ahead of that clock.
    pub(crate) era_known: u8,
    /// The greatest sequence that both authorities are known to have signed.
    pub(crate) confirmed_to: Sequence,
    /// The newest head that agrees with the words, or names sets that are not here yet.
    pub(crate) announced: Option<Head>,
    /// Time of the last head that the words agree with; 0 for never.
    pub(crate) heard: UnixMillis,
    /// The sequence that this head names.
    pub(crate) heard_at: Sequence,
    pub(crate) counters: Counters,
}

impl Follower {
    /// Follows a chain from its beginning, or from a checkpoint that comes later.
    ///
    /// # Errors
    /// [`SyncFault::WrongWriter`] when the writer is another issuer's, or its words are those of a sequence whose
    /// history is not known: [`resume`](Self::resume) them.
    pub fn new(writer: Writer, authorities: Authorities) -> Result<Follower, SyncFault> {
        Follower::at(writer, authorities, Tip::START, None)
    }
}

impl<W: Words> Follower<W> {
    /// Follows a chain from `tip` on, where `words` are; `heard` is the time of the last head that they agreed with. The
    /// caller vouches for both.
    ///
    /// # Errors
    /// [`SyncFault::WrongWriter`] when the words are another issuer's, or at another sequence.
    pub fn at(
        words: W,
        authorities: Authorities,
        tip: Tip,
        heard: Option<UnixMillis>,
    ) -> Result<Follower<W>, SyncFault> {
        let (issuer, found, sequence) = (authorities.issuer(), words.issuer(), words.sequence());
        if found != issuer || sequence != tip.sequence {
            return Err(SyncFault::WrongWriter { issuer, found, sequence });
        }
        Ok(Follower {
            authorities,
            words,
            backend: hufu_signature::backend(),
            tip,
            settled: Sequence(0),
            is_forked: false,
            is_contradicted: false,
            era_known: tip.proposed.era(),
            confirmed_to: Sequence(0),
            announced: None,
            heard: heard.unwrap_or(UnixMillis(0)),
            heard_at: sequence,
            counters: Counters::default(),
        })
    }

    /// The words that it keeps current.
    pub fn words(&self) -> &W {
        &self.words
    }

    /// Whose chain it follows.
    pub fn issuer(&self) -> IssuerId {
        self.authorities.issuer()
    }

    /// The last change set that is in the words. Two followers with equal digests have equal words.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Whether nothing is applied until a checkpoint says which of two histories holds.
    pub fn is_forked(&self) -> bool {
        self.is_forked
    }

    /// Time of the last head that the words agreed with.
    pub fn heard(&self) -> Option<UnixMillis> {
        (self.heard != UnixMillis(0)).then_some(self.heard)
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What to fetch next. Ask again after each answer.
    pub fn wants(&self) -> Wanted {
        if self.is_forked || self.is_contradicted {
            return Wanted::Checkpoint { from: self.tip.sequence };
        }
        let announced = self.announced.map_or(Sequence(0), |head| head.sequence);
        let to = announced.max(self.confirmed_to);
        if to > self.tip.sequence { Wanted::Sets { from: self.tip.next(), to } } else { Wanted::Nothing }
    }

    /// Refuses what was made after `now`, give or take what clocks differ by.
    pub(crate) fn admit_time(
        &self,
        message: &'static str,
        sequence: Sequence,
        made: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), SyncFault> {
        if is_ahead(made, now) {
            let ahead_ms = made.since(now);
            return Err(SyncFault::FromTheFuture { issuer: self.issuer(), message, sequence, ahead_ms });
        }
        Ok(())
    }

    /// How far the newest head that was heard is dated ahead of `now`, milliseconds, when that is more than clocks
    /// differ by: this engine's clock was set back, and the age of the words is not known.
    pub fn heard_ahead_ms(&self, now: UnixMillis) -> Option<u64> {
        is_ahead(self.heard, now).then(|| self.heard.since(now))
    }

    /// The time that a head which names `sequence` must be later than.
    ///
    /// A head that was heard by a clock which was ahead has no more weight for one that names a later set: the chain
    /// has gone on since. For the same set it keeps its weight, because a repeated head looks the same.
    pub(crate) fn heard_before(&self, sequence: Sequence, now: UnixMillis) -> UnixMillis {
        let heard = (self.heard, self.heard_at);
        let announced = self.announced.map(|head| (head.time, head.sequence));
        let counts = |(time, named): &(UnixMillis, Sequence)| !is_ahead(*time, now) || sequence <= *named;
        [Some(heard), announced]
            .into_iter()
            .flatten()
            .filter(counts)
            .map(|(time, _)| time)
            .max()
            .unwrap_or(UnixMillis(0))
    }

    /// The words are those of a head made at `time`. Never goes back but for a later set after a clock was ahead, and
    /// never ahead of `now`: data seems older than it is rather than younger.
    pub(crate) fn hear(&mut self, time: UnixMillis, now: UnixMillis) {
        let (time, sequence) = (time.min(now), self.tip.sequence);
        let is_void = is_ahead(self.heard, now) && sequence > self.heard_at;
        if time > self.heard || is_void {
            (self.heard, self.heard_at) = (time, sequence);
            self.words.heard(time);
        }
    }

    /// The words have come to another tip: a head that came before them may be theirs.
    pub(crate) fn hear_announced(&mut self, now: UnixMillis) {
        let Tip { sequence, digest, .. } = self.tip;
        match self.announced {
            Some(head) if head.sequence == sequence && head.digest != digest => self.is_contradicted = true,
            // Cut to now, a head of a clock that was ahead would make these words look current.
            Some(head) if head.sequence == sequence && !is_ahead(head.time, now) => self.hear(head.time, now),
            _ => {}
        }
    }
}

/// Whether `time` is later than `now` by more than clocks differ.
fn is_ahead(time: UnixMillis, now: UnixMillis) -> bool {
    time.since(now) > CHAIN_SKEW_MS_MAX
}

impl<W: Words> std::fmt::Debug for Follower<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("issuer", &self.issuer())
            .field("tip", &self.tip)
            .field("wants", &self.wants())
            .finish_non_exhaustive()
    }
}
