//! Appeals: who takes them in, who decides them, what follows, and what is told of it (R29).

use hufu_registry::chain::Appended;
use hufu_registry::store::AppealFilter;
use hufu_registry::{
    Appeal, AppealChannel, AppealDecision, AppealId, AppealPhase, AppealRequest, AppealRuling, AppealSaid,
    AppealSubject, Caller, Fault, NamedProposal, NewToken, Proposal, ProposalId, ProposalPhase, Scope,
    Scopes,
};
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, StatusWord, UnixMillis};

use crate::scene::{key_file, name, now, number};
use crate::{Database, ISSUER, Scene, amber, green, red};

/// A scene with people who have tokens of their own.
struct Court {
    scene: Scene,
    /// Takes appeals in.
    clerk: Caller,
    /// Proposes colours, and may review.
    proposer: Caller,
    /// May review.
    reviewers: [Caller; 2],
}

impl Court {
    /// Three holders, the first two red by the proposer's hand and the third amber.
    async fn open(database: &dyn Database) -> Court {
        let scene = Scene::open(database).await;
        scene.add_people(0, 3).await;
        let review = [Scope::Appeals, Scope::History];
        let clerk = caller(&scene, "hotline desk", [Scope::Appeals]).await;
        let proposer =
            caller(&scene, "district office", [Scope::Appeals, Scope::History, Scope::Propose]).await;
        let reviewers = [caller(&scene, "board", review).await, caller(&scene, "upper board", review).await];
        let court = Court { scene, clerk, proposer, reviewers };
        let colours =
            [(0, red()), (1, red()), (2, amber())].map(|(holder, word)| (holder, Change::Status(word)));
        let proposal = court.propose(&colours).await;
        court.confirm(&proposal).await;
        court
    }

    async fn propose(&self, changes: &[(u32, Change)]) -> (Proposal, Vec<u8>) {
        let instruction = self.scene.instruct(changes);
        let proposal = self.scene.registry.propose(&self.proposer, ISSUER, &instruction, now()).await;
        (proposal.expect("a good instruction"), instruction)
    }

    async fn confirm(&self, (proposal, instruction): &(Proposal, Vec<u8>)) {
        let set = self.scene.sign(instruction, &self.scene.tip().await, now());
        let appended = self.scene.confirm(proposal, &set).await.expect("a set that is believed");
        assert!(matches!(appended, Appended::Appended { .. }), "{appended:?}");
    }

    async fn appeal_at(&self, holder: u32, check: Option<&str>, at: UnixMillis) -> Result<Appeal, Fault> {
        let against = if check.is_some() { AppealSubject::Check } else { AppealSubject::Colour };
        let said = AppealSaid { words: WORDS.into(), check: check.map(str::to_owned) };
        let request =
            AppealRequest { holder: HolderIndex(holder), against, channel: AppealChannel::Hotline, said };
        self.scene.registry.open_appeal(&self.clerk, ISSUER, &request, at).await
    }

    async fn appeal(&self, holder: u32) -> AppealId {
        self.appeal_at(holder, None, now()).await.expect("an appeal that is taken in").id
    }

    async fn review(&self, reviewer: &Caller, id: AppealId) -> Result<Appeal, Fault> {
        self.scene.registry.review_appeal(reviewer, ISSUER, id, "", now()).await
    }

    async fn decide(
        &self,
        reviewer: &Caller,
        id: AppealId,
        proposal: Option<ProposalId>,
        at: UnixMillis,
    ) -> Result<Appeal, Fault> {
        let decision = if proposal.is_some() { AppealDecision::Accept } else { AppealDecision::Reject };
        let proposal = proposal.map(NamedProposal::Number);
        let ruling = AppealRuling { decision, words: "the list was of another school".into(), proposal };
        self.scene.registry.decide_appeal(reviewer, ISSUER, id, &ruling, at).await
    }

    /// Reviewed and rejected.
    async fn reject(&self, reviewer: &Caller, id: AppealId) {
        self.review(reviewer, id).await.expect("a reviewer");
        let rejected = self.decide(reviewer, id, None, now()).await.expect("a decision");
        assert_eq!(rejected.phase, AppealPhase::Rejected);
    }

    async fn status(&self, holder: u32) -> StatusWord {
        self.scene.store.status(ISSUER, HolderIndex(holder)).await.expect("a word")
    }
}

/// What every appellant says.
const WORDS: &str = "that day I was in hospital";

async fn caller(scene: &Scene, label: &str, scopes: impl IntoIterator<Item = Scope>) -> Caller {
    let expires = UnixMillis(u64::from(u32::MAX) * 1000);
    let token = NewToken { label: label.into(), scopes: Scopes::of(scopes), issuer: Some(ISSUER), expires };
    let (_, text) = scene.registry.add_token(&scene.operator, &token, now()).await.expect("a token");
    scene.registry.authenticate(text.as_str(), now()).await.expect("in force")
}

fn is_conflict<T: core::fmt::Debug>(answer: &Result<T, Fault>, said: &str) -> bool {
    matches!(answer, Err(Fault::Conflict(what)) if what.contains(said))
}

fn is_invalid<T>(answer: &Result<T, Fault>, wrong: &str) -> bool {
    matches!(answer, Err(Fault::Invalid { field, .. }) if *field == wrong)
}

/// The decision changes nothing by itself: both authorities sign the better colour, and the appellant sees every step.
pub async fn r29_an_accepted_appeal_is_carried_out_by_both_authorities(database: &dyn Database) {
    let court = Court::open(database).await;
    let [board, _] = &court.reviewers;
    let id = court.appeal(0).await;
    assert_eq!(id, AppealId(1), "numbers are dense from 1");
    let early = court.decide(board, id, None, now()).await;
    assert!(is_conflict(&early, "take it into review"), "{early:?}");
    court.review(board, id).await.expect("a reviewer");

    let registry = &court.scene.registry;
    let bare = AppealRuling { decision: AppealDecision::Accept, words: "right".into(), proposal: None };
    let bare = registry.decide_appeal(board, ISSUER, id, &bare, now()).await;
    assert!(is_invalid(&bare, "proposal"), "an accepted one names what follows: {bare:?}");
    let (worse, _) = court.propose(&[(0, Change::Status(red().with_doses(1)))]).await;
    let (other, _) = court.propose(&[(1, Change::Status(green()))]).await;
    for wrong in [worse.id, other.id, ProposalId(1)] {
        let refused = court.decide(board, id, Some(wrong), now()).await;
        assert!(is_invalid(&refused, "proposal"), "{wrong}: {refused:?}");
    }
    let better = court.propose(&[(0, Change::Status(green()))]).await;
    let accepted = court.decide(board, id, Some(better.0.id), now()).await.expect("a decision");
    assert_eq!(
        (accepted.phase, accepted.proposal_phase),
        (AppealPhase::Accepted, Some(ProposalPhase::Pending))
    );
    assert_eq!(court.status(0).await.colour(), red().colour(), "nothing has changed yet");
    let again = court.appeal_at(0, None, now()).await;
    assert!(is_conflict(&again, "it is accepted"), "the change is under way: {again:?}");

    court.confirm(&better).await;
    assert_eq!(court.status(0).await.colour(), green().colour());
    let told = registry.appeal(&court.clerk, ISSUER, id, now()).await.expect("an appeal");
    assert_eq!((told.appeal.phase, &*told.said.words), (AppealPhase::CarriedOut, WORDS));
    let steps: Vec<_> =
        told.steps.iter().map(|step| (step.number, step.phase, &*step.who, &*step.words)).collect();
    let expected = [
        (1, AppealPhase::Open, "hotline desk", ""),
        (2, AppealPhase::InReview, "board", ""),
        (3, AppealPhase::Accepted, "board", "the list was of another school"),
        (4, AppealPhase::CarriedOut, "both authorities, change set 2", ""),
    ];
    assert_eq!(steps, expected);
    let carried_out = AppealFilter { phase: Some(AppealPhase::CarriedOut), ..AppealFilter::default() };
    let listed =
        registry.appeals(&court.clerk, ISSUER, &carried_out, (None, 10), now()).await.expect("a list");
    assert_eq!(listed.iter().map(|appeal| appeal.id).collect::<Vec<_>>(), [id]);
    let by_content = AppealRuling {
        decision: AppealDecision::Accept,
        words: "right".into(),
        proposal: Some(NamedProposal::Content(better.0.facts.content)),
    };
    let late = registry.decide_appeal(board, ISSUER, id, &by_content, now()).await;
    assert!(is_conflict(&late, "is carried-out"), "it is over: {late:?}");
}

/// Not who took it in, nor who proposed the colour, nor who rejected it before; and taking appeals in is not deciding them.
pub async fn r29_a_reviewer_is_somebody_else(database: &dyn Database) {
    let court = Court::open(database).await;
    let [board, upper] = &court.reviewers;
    let first = court.appeal(0).await;
    let by_clerk = court.review(&court.clerk, first).await;
    assert!(matches!(by_clerk, Err(Fault::Forbidden { scope: Scope::History, .. })), "{by_clerk:?}");
    let by_proposer = court.review(&court.proposer, first).await;
    assert!(is_conflict(&by_proposer, "handed in the proposal"), "{by_proposer:?}");
    let own = AppealRequest {
        holder: HolderIndex(1),
        against: AppealSubject::Colour,
        channel: AppealChannel::Page,
        said: AppealSaid { words: WORDS.into(), check: None },
    };
    let own = court.scene.registry.open_appeal(board, ISSUER, &own, now()).await.expect("an appeal");
    let by_taker = court.review(board, own.id).await;
    assert!(is_conflict(&by_taker, "took it in"), "{by_taker:?}");

    court.reject(board, first).await;
    let second = court.appeal_at(0, None, now()).await.expect("the second instance");
    assert_eq!((second.instance(), second.first), (2, Some(first)));
    let by_first = court.review(board, second.id).await;
    assert!(is_conflict(&by_first, "rejected it in the first instance"), "{by_first:?}");
    court.reject(upper, second.id).await;
    let third = court.appeal_at(0, None, now()).await;
    assert!(is_conflict(&third, "final"), "{third:?}");
    // The same colour again is nothing new; another colour is.
    court.confirm(&court.propose(&[(0, Change::Status(red().with_doses(2)))]).await).await;
    assert!(is_conflict(&court.appeal_at(0, None, now()).await, "final"));
    court.confirm(&court.propose(&[(0, Change::Status(amber()))]).await).await;
    let anew = court.appeal_at(0, None, now()).await.expect("another colour");
    assert_eq!((anew.instance(), anew.colour), (1, amber().colour()));
}

/// One colour has one appeal at a time, and so has one check.
pub async fn r29_one_appeal_at_a_time_about_the_same(database: &dyn Database) {
    let court = Court::open(database).await;
    let id = court.appeal(0).await;
    let twice = court.appeal_at(0, None, now()).await;
    assert!(is_conflict(&twice, "about the same"), "{twice:?}");
    let gate = "gate 7, Sunday at eight";
    let check = court.appeal_at(0, Some(gate), now()).await.expect("another subject");
    assert_eq!((check.against, check.given_by), (AppealSubject::Check, None));
    assert!(is_conflict(&court.appeal_at(0, Some(gate), now()).await, "about the same"));
    assert!(court.appeal_at(0, Some("gate 8"), now()).await.is_ok(), "another check");
    assert!(court.appeal_at(1, Some(gate), now()).await.is_ok(), "another holder");

    let registry = &court.scene.registry;
    let back = registry.withdraw_appeal(&court.clerk, ISSUER, id, "", now()).await.expect("it is open");
    assert_eq!(back.phase, AppealPhase::Withdrawn);
    let again = registry.withdraw_appeal(&court.clerk, ISSUER, id, "", now()).await;
    assert!(is_conflict(&again, "is withdrawn"), "{again:?}");
    assert_eq!(court.appeal_at(0, None, now()).await.expect("the way is free").instance(), 1);

    court.confirm(&court.propose(&[(2, Change::Status(green()))]).await).await;
    let well = court.appeal_at(2, None, now()).await;
    assert!(is_conflict(&well, "is green"), "{well:?}");
    assert!(
        court.appeal_at(2, Some("gate 7"), now()).await.is_ok(),
        "a check may have been wrong all the same"
    );
    let nobody = court.appeal_at(9, None, now()).await;
    assert!(matches!(nobody, Err(Fault::NotFound(_))), "{nobody:?}");
    let mixed = AppealRequest {
        holder: HolderIndex(0),
        against: AppealSubject::Check,
        channel: AppealChannel::Page,
        said: AppealSaid { words: WORDS.into(), check: None },
    };
    let mixed = registry.open_appeal(&court.clerk, ISSUER, &mixed, now()).await.map(|appeal| appeal.id);
    assert!(is_invalid(&mixed, "check"), "which check? {mixed:?}");
}

/// What is late is found, and only then may another reviewer take it over.
pub async fn r29_an_overdue_appeal_is_listed_and_taken_over(database: &dyn Database) {
    let court = Court::open(database).await;
    let [board, upper] = &court.reviewers;
    let (registry, clerk) = (&court.scene.registry, &court.clerk);
    let opened = now();
    let late = court.appeal_at(0, None, opened).await.expect("an appeal");
    assert_eq!(late.due.0 - opened.0, 24 * 3_600_000, "a day");
    let decided = court.appeal(1).await;
    court.reject(board, decided).await;
    court.review(board, late.id).await.expect("a reviewer");
    let overdue = async |at| {
        let filter = AppealFilter { overdue: Some(at), ..AppealFilter::default() };
        let found = registry.appeals(clerk, ISSUER, &filter, (None, 10), at).await.expect("a list");
        found.iter().map(|appeal| appeal.id).collect::<Vec<_>>()
    };
    assert_eq!(overdue(UnixMillis(late.due.0 - 1)).await, []);
    assert_eq!(overdue(late.due).await, [late.id], "what is decided is not late any more");
    let early = court.review(upper, late.id).await;
    assert!(is_conflict(&early, "in review by \"board\""), "{early:?}");
    let other = court.decide(upper, late.id, None, now()).await;
    assert!(is_conflict(&other, "in review by \"board\""), "{other:?}");
    let taken = registry.review_appeal(upper, ISSUER, late.id, "a colleague goes on", late.due).await;
    assert_eq!(taken.expect("it is overdue").reviewer, "upper board");
    let board_again = court.decide(board, late.id, None, now()).await;
    assert!(is_conflict(&board_again, "in review by"), "{board_again:?}");
    let page = registry.appeals(clerk, ISSUER, &AppealFilter::default(), (Some(late.id), 10), now()).await;
    assert_eq!(page.expect("a page").iter().map(|appeal| appeal.id).collect::<Vec<_>>(), [decided]);
    let of_holder = AppealFilter { holder: Some(HolderIndex(0)), ..AppealFilter::default() };
    let page = registry.appeals(clerk, ISSUER, &of_holder, (None, 10), now()).await;
    assert_eq!(page.expect("a page").iter().map(|appeal| appeal.id).collect::<Vec<_>>(), [late.id]);
}

/// Of two reviewers at once, in two processes, one has it.
pub async fn r29_one_of_two_reviewers_at_once_has_it(database: &dyn Database) {
    let court = Court::open(database).await;
    let beside = Scene::beside(database).await;
    let [board, upper] = &court.reviewers;
    for holder in 0..3 {
        let id = court.appeal(holder).await;
        let (one, two) = tokio::join!(
            court.review(board, id),
            beside.registry.review_appeal(upper, ISSUER, id, "", now())
        );
        let won: Vec<_> = [&one, &two].into_iter().flatten().map(|appeal| appeal.reviewer.clone()).collect();
        assert_eq!(won.len(), 1, "{one:?}, {two:?}");
        let told = beside.registry.appeal(&court.clerk, ISSUER, id, now()).await.expect("an appeal");
        assert_eq!((&told.appeal.reviewer, told.steps.len()), (&won[0], 2));
    }
}

/// What an appellant says and where they were stands nowhere in clear, follows the newest key, and public words name nobody.
pub async fn r29_what_an_appellant_says_is_sealed(database: &dyn Database) {
    let court = Court::open(database).await;
    let place = "the gate of the clinic, Sunday";
    let id = court.appeal_at(0, Some(place), now()).await.expect("an appeal").id;
    let stored = database.stored().await;
    let holds = |text: &str| memchr::memmem::find(&stored, text.as_bytes()).is_some();
    assert!(holds("appeal.opened") && holds("hotline desk"), "values stand in it as they are");
    for said in [WORDS, "hospital", place, "clinic"] {
        assert!(!holds(said), "{said}");
    }
    let [board, _] = &court.reviewers;
    for named in [format!("{} was wrong", name(0)), format!("number {}", number(0))] {
        let refused = court.scene.registry.review_appeal(board, ISSUER, id, &named, now()).await;
        assert!(is_invalid(&refused, "words"), "{refused:?}");
    }

    let newest = format!("seal {}", "c3".repeat(32));
    let both = key_file().replacen("seal", &format!("{newest}\nseal"), 1);
    let rotating = Scene::with_vault(database, &both).await;
    assert_eq!(rotating.registry.rotate_vault(&rotating.operator, now()).await, Ok(4), "3 holders, 1 appeal");
    let both = key_file();
    let only_newest = both.lines().take(2).chain([newest.as_str()]).collect::<Vec<_>>().join("\n");
    let rotated = Scene::with_vault(database, &only_newest).await;
    let told = rotated.registry.appeal(&court.clerk, ISSUER, id, now()).await.expect("it opens");
    assert_eq!((&*told.said.words, told.said.check.as_deref()), (WORDS, Some(place)));
}

/// A proposal that comes to nothing leaves the decision standing: it is made again with another.
pub async fn r29_a_decision_outlives_its_proposal(database: &dyn Database) {
    let court = Court::open(database).await;
    let [board, _] = &court.reviewers;
    let id = court.appeal(0).await;
    court.review(board, id).await.expect("a reviewer");
    let (lost, _) = court.propose(&[(0, Change::Status(green()))]).await;
    let decided = court.decide(board, id, Some(lost.id), now()).await.expect("a decision").decided;
    let standing = court.propose(&[(0, Change::Status(green().with_doses(1)))]).await;
    let early = court.decide(board, id, Some(standing.0.id), now()).await;
    assert!(is_conflict(&early, "is accepted"), "the first still waits: {early:?}");
    court.scene.registry.withdraw(&court.proposer, ISSUER, lost.id, now()).await.expect("it is open");
    let dead = court.decide(board, id, Some(lost.id), now()).await;
    assert!(is_invalid(&dead, "proposal"), "{dead:?}");
    assert!(is_conflict(&court.decide(board, id, None, now()).await, "is accepted"), "nothing is taken back");
    let again = court.decide(board, id, Some(standing.0.id), now()).await.expect("made again");
    assert_eq!((again.decided, again.proposal), (decided, Some(standing.0.id)));
    court.confirm(&standing).await;
    let told = court.scene.registry.appeal(&court.clerk, ISSUER, id, now()).await.expect("an appeal");
    assert_eq!((told.appeal.phase, told.steps.len()), (AppealPhase::CarriedOut, 5));
}

/// Wrong reds found, and how long decisions take.
pub async fn r29_figures_say_how_many_and_how_long(database: &dyn Database) {
    let court = Court::open(database).await;
    let [board, _] = &court.reviewers;
    let (registry, auditor) = (&court.scene.registry, caller(&court.scene, "auditor", [Scope::Audit]).await);
    let begin = now();
    let at = |s: u64| UnixMillis(begin.0 + s * 1000);
    let mut appeals = Vec::new();
    for (holder, check) in [(0, None), (1, None), (2, None), (0, Some("gate 1"))] {
        appeals.push(court.appeal_at(holder, check, begin).await.expect("an appeal").id);
    }
    let changes = [0, 1, 2].map(|holder| (holder, Change::Status(green())));
    let better = Some(court.propose(&changes).await.0.id);
    let day = 24 * 3600;
    for (nth, proposal, took_s) in [(0, better, 10), (2, better, 100), (1, None, day + 5)] {
        court.review(board, appeals[nth]).await.expect("a reviewer");
        court.decide(board, appeals[nth], proposal, at(took_s)).await.expect("a decision");
    }
    let of = async |within, at| registry.appeal_figures(&auditor, ISSUER, within, at).await.expect("figures");
    let all = of([begin, at(2 * day)], at(2 * day)).await;
    assert_eq!((all.opened, all.decided, all.accepted, all.rejected), (4, 3, 2, 1));
    assert_eq!((all.wrong_reds, all.wrong_ambers, all.late, all.overdue), (1, 1, 1, 1));
    let longest = (day + 5) * 1000;
    assert_eq!((all.p50_ms, all.p90_ms, all.max_ms), (Some(100_000), Some(longest), Some(longest)));
    let first_hour = of([begin, at(3600)], at(3600)).await;
    assert_eq!((first_hour.decided, first_hour.p50_ms, first_hour.overdue), (2, Some(10_000), 0));
    let later = of([at(1), at(2)], at(2)).await;
    assert_eq!((later.opened, later.decided, later.max_ms), (0, 0, None));

    // The clock was set back between the appeal and its decision.
    let before = UnixMillis(begin.0 - 5000);
    court.review(board, appeals[3]).await.expect("a reviewer");
    court.decide(board, appeals[3], None, before).await.expect("a decision");
    let back = of([before, begin], begin).await;
    assert_eq!((back.decided, back.p50_ms, back.max_ms), (1, Some(0), Some(0)));
}
