//! Trip codes for tickets (R04).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hufu_codes::Detail;
use hufu_codes::issue::{IssuerSigner, OperatorSigner};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_registry::store::{RecordEdit, Records, Sought, SoughtTickets, TicketEdit, TicketRecords};
use hufu_registry::vault::Vault;
use hufu_registry::{
    Action, EndedTrip, Entry, Fault, IdNumber, Reference, Registry, Signers, StoredHolder, TicketOrder,
    TicketPhase, Traveller, TripIssuance, TripOutcome,
};
use hufu_signature::PreparedKey;
use hufu_wire::chain::Change;
use hufu_wire::{CodeKind, HolderIndex, HubId, UnixMillis, UnixSeconds};

use crate::credentials::believed;
use crate::scene::{codes, key_file, keyring, name, next_codes, now, number, person};
use crate::{Database, ISSUER, Scene, green};

const OFFICE: &str = "12306";
const TICKET: &str = "E123456789";
/// Seconds of a day.
const DAY_S: u32 = 86_400;

/// A ticket of the `n`th of many people for tomorrow.
fn order(ticket: &str, n: u32, at: UnixMillis) -> TicketOrder {
    let from = at.seconds().0 + DAY_S;
    TicketOrder {
        ticket: ticket.into(),
        traveller: Traveller::Person {
            number: IdNumber::read(&number(n)).expect("a good number"),
            name: name(n),
        },
        hub: HubId(3101),
        from: UnixSeconds(from),
        until: UnixSeconds(from + 7200),
        reference: Some(Reference::read("CA981-04").expect("a good reference")),
    }
}

async fn put_all(
    scene: &Scene,
    orders: &[TicketOrder],
    at: UnixMillis,
) -> Result<Vec<Result<TripIssuance, Fault>>, Fault> {
    scene.registry.put_trips(&scene.operator, ISSUER, (OFFICE, orders), at).await
}

async fn put(scene: &Scene, order: TicketOrder, at: UnixMillis) -> Result<TripIssuance, Fault> {
    put_all(scene, &[order], at).await?.remove(0)
}

async fn ended(scene: &Scene, at: UnixMillis) -> Vec<EndedTrip> {
    scene.registry.ended_trips(&scene.operator, ISSUER, (None, 100), at).await.expect("a page")
}

/// Lines of the trail about trips, of those after the first `before`.
async fn lines(scene: &Scene, before: usize) -> Vec<(Action, String)> {
    let lines = scene.store.trail(0, u32::MAX).await.expect("a trail").into_iter().skip(before);
    lines
        .filter(|line| line.entry.action.slug().starts_with("trip."))
        .map(|line| (line.entry.action, line.entry.what))
        .collect()
}

/// What was asked for is what gates believe, with the reference in what they show.
pub async fn r04_a_ticket_gets_its_code_ahead_and_the_same_again(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 2).await;
    let at = now();
    let wanted = order(TICKET, 5, at);
    let issued = put(&scene, wanted.clone(), at).await.expect("a code");
    assert_eq!(issued.outcome, TripOutcome::Issued);
    let credential = believed(&issued.bytes);
    assert_eq!(credential.kind(), CodeKind::Trip);
    assert_eq!((credential.holder, credential.issued), (HolderIndex(1), at.seconds()));
    let TicketOrder { hub, from, until, .. } = wanted;
    assert_eq!(credential.detail, Detail::Trip { hub, from, until });
    assert_eq!(credential.display, format!("{} CA981-04", person(5).display()));
    assert_eq!(issued.display, credential.display);
    assert_eq!(issued.code, hufu_codes::issue::code_text(&issued.bytes, None));

    // Later, and of another process.
    let beside = Scene::beside(database).await;
    let later = UnixMillis(at.0 + 3_600_000);
    let again = put(&beside, wanted.clone(), later).await.expect("a code");
    assert_eq!((again.outcome, &again.code), (TripOutcome::Unchanged, &issued.code));
    assert_eq!(again.ticket, issued.ticket);
    assert_eq!(ended(&scene, later).await, []);
    let told = [
        (Action::TripIssued, "a ticket of office 12306 for holder 1"),
        (Action::TripRead, "a ticket of office 12306 for holder 1"),
    ];
    assert_eq!(lines(&scene, 0).await, told.map(|(action, what)| (action, what.to_owned())));
    let kept = scene.registry.credentials(&scene.operator, ISSUER, HolderIndex(1), (0, 9), later).await;
    assert_eq!(kept.expect("a list").len(), 1, "one credential was issued");

    // The same number of another office is another ticket.
    let orders = [order(TICKET, 5, at)];
    let elsewhere = scene.registry.put_trips(&scene.operator, ISSUER, ("PVG", &orders), later).await;
    assert_eq!(elsewhere.expect("an answer")[0].as_ref().expect("a code").outcome, TripOutcome::Issued);
}

/// Another window, reference or generation is another code, and engines hear that the one before ended.
pub async fn r04_a_changed_ticket_ends_the_code_before(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let first = put(&scene, order(TICKET, 4, at), at).await.expect("a code");
    let mut later = order(TICKET, 4, at);
    later.until = UnixSeconds(later.until.0 + 3600);
    // In the same second: there and back.
    let second = put(&scene, later, at).await.expect("a code");
    assert_eq!(second.outcome, TripOutcome::Changed);
    let third = put(&scene, order(TICKET, 4, at), at).await.expect("a code");
    let digests: BTreeSet<_> = [&first, &second, &third].map(|issued| issued.ticket.digest).into();
    assert_eq!(digests.len(), 3, "what is good again is not what ended");
    assert_eq!((third.ticket.made, third.ticket.phase), (first.ticket.made, TicketPhase::Active));
    let gone: BTreeSet<_> = ended(&scene, at).await.iter().map(|trip| trip.digest).collect();
    assert_eq!(gone, [first.ticket.digest, second.ticket.digest].into());

    let mut tagged = order(TICKET, 4, at);
    tagged.reference = Some(Reference::read("CA981-05").expect("a good reference"));
    let fourth = put(&scene, tagged.clone(), at).await.expect("a code");
    assert!(fourth.outcome == TripOutcome::Changed && fourth.display.ends_with(" CA981-05"));
    scene.change(&[(0, Change::Word(green()))]).await;
    scene.change(&[(0, Change::Generation(1))]).await;
    let fifth = put(&scene, tagged, now()).await.expect("a code");
    assert_eq!((fifth.outcome, believed(&fifth.bytes).generation), (TripOutcome::Changed, 1));

    // Page by page, and no longer than a gate would have believed it.
    let all = ended(&scene, at).await;
    assert_eq!(all.len(), 4);
    let page = scene.registry.ended_trips(&scene.operator, ISSUER, (Some(all[1].digest), 1), at).await;
    assert_eq!(page.expect("a page"), all[2..3]);
    let end = first.ticket.until.0;
    assert_eq!(ended(&scene, UnixSeconds(end).millis()).await.len(), 4);
    let over: Vec<_> =
        ended(&scene, UnixSeconds(end + 1).millis()).await.iter().map(|trip| trip.digest).collect();
    assert_eq!(over, [second.ticket.digest], "the window that was an hour longer");

    // What has long been over is forgotten when another one ends.
    let then = UnixSeconds(end + 1).millis();
    let mut hub = order("another", 4, then);
    put(&scene, hub.clone(), then).await.expect("a code");
    hub.hub = HubId(1);
    put(&scene, hub, then).await.expect("a code");
    assert_eq!(ended(&scene, at).await.len(), 5);
    let then = UnixSeconds(end + 1 + 60 * DAY_S).millis();
    put(&scene, order("another", 4, then), then).await.expect("a code");
    assert_eq!(ended(&scene, at).await.len(), 3);
}

/// What a clock that is ahead takes for over is on the list when the clock is right again.
pub async fn r04_a_clock_that_was_ahead_gives_no_cancelled_code_back(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let mut digests = BTreeSet::new();
    for ticket in ["A1", "A2"] {
        digests.insert(put(&scene, order(ticket, 4, at), at).await.expect("a code").ticket.digest);
    }
    let ahead = UnixSeconds(at.seconds().0 + 10 * DAY_S).millis();
    for (ticket, at) in [("A1", at), ("A2", ahead)] {
        let cancelled = scene.registry.cancel_trip(&scene.operator, ISSUER, (OFFICE, ticket), at).await;
        cancelled.expect("cancelled");
    }
    assert_eq!(ended(&scene, ahead).await, []);
    assert_eq!(ended(&scene, at).await.iter().map(|trip| trip.digest).collect::<BTreeSet<_>>(), digests);
}

/// Cancelled is for good.
pub async fn r04_a_cancelled_ticket_ends_its_code_and_gets_no_other(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let issued = put(&scene, order(TICKET, 4, at), at).await.expect("a code");
    let cancel = async |office, ticket| {
        scene.registry.cancel_trip(&scene.operator, ISSUER, (office, ticket), at).await
    };
    assert!(matches!(cancel(OFFICE, "E000").await, Err(Fault::NotFound(_))));
    assert!(matches!(cancel("PVG", TICKET).await, Err(Fault::NotFound(_))), "of another office");
    assert_eq!(ended(&scene, at).await, []);
    let (ticket, display) = cancel(OFFICE, TICKET).await.expect("cancelled");
    assert_eq!((ticket.phase, ticket.digest), (TicketPhase::Cancelled, issued.ticket.digest));
    assert_eq!(display, person(4).display(), "without the reference");
    let told = EndedTrip { digest: issued.ticket.digest, expires: believed(&issued.bytes).expires };
    assert_eq!(ended(&scene, at).await, [told]);
    let before = lines(&scene, 0).await;
    assert_eq!(cancel(OFFICE, TICKET).await.expect("still cancelled").0, ticket);
    assert_eq!(lines(&scene, 0).await, before, "nothing was done");
    assert_eq!(before.last().map(|(action, _)| *action), Some(Action::TripCancelled));
    let again = put(&scene, order(TICKET, 4, at), at).await;
    assert!(matches!(&again, Err(Fault::Conflict(why)) if why.contains("cancelled")), "{again:?}");
    let read = scene.registry.trip(&scene.operator, ISSUER, (OFFICE, TICKET), at).await;
    assert_eq!(read.expect("a ticket").0, ticket);
}

/// An office's file that is handed in again ends no printed code because the issuer's key is another by now.
pub async fn r04_a_code_stays_good_when_its_key_has_a_successor(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let issued = put(&scene, order(TICKET, 4, at), at).await.expect("a code");
    let later = async |codes: Vec<IssuerSigner>| {
        let vault = Vault::open(&key_file()).expect("a good key file");
        let signers = Signers { codes, ..Signers::default() };
        let registry = Registry::new(database.open().await, vault, signers, keyring());
        let scene = Scene { registry, ..Scene::beside(database).await };
        put(&scene, order(TICKET, 4, at), at).await.expect("a code")
    };
    let again = later(vec![next_codes(), codes()]).await;
    assert_eq!((again.outcome, &again.code), (TripOutcome::Unchanged, &issued.code));
    let without = later(vec![next_codes()]).await;
    assert_eq!((without.outcome, believed(&without.bytes).key), (TripOutcome::Changed, next_codes().key()));
}

/// A window that no key of now is believed for, or that is too far ahead, is that ticket's fault alone.
pub async fn r04_a_ticket_that_outlives_the_keys_is_refused_alone(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let in_days = |days: u32| UnixSeconds(at.seconds().0 + days * DAY_S);
    let (operator, since) = (OperatorSigner::from_seed(&[0x22; 32]), UnixSeconds(1_780_000_000));
    let listed = [codes().listed(Uses::TRIP, since, since, in_days(10))];
    let list = TrustList::sign(1, since, &listed, &operator);
    let public = PreparedKey::new(operator.public()).expect("a good key");
    let list = TrustList::open(&list, &public).expect("our own list");
    let keyring = Arc::new(Keyring::empty().update(&list, at.seconds()).expect("a good list"));
    let vault = Vault::open(&key_file()).expect("a good key file");
    let signers = Signers { codes: vec![codes()], ..Signers::default() };
    let registry = Registry::new(database.open().await, vault, signers, keyring);
    let scene = Scene { registry, ..Scene::beside(database).await };

    let orders = [("A1", 2), ("A2", 20), ("A3", 70)].map(|(ticket, days)| {
        let mut order = order(ticket, 4, at);
        order.until = in_days(days);
        order
    });
    let answers = put_all(&scene, &orders, at).await.expect("an answer");
    assert_eq!(answers[0].as_ref().map(|issued| issued.outcome), Ok(TripOutcome::Issued));
    let said = |nth: usize| answers[nth].as_ref().expect_err("refused").to_string();
    assert!(matches!(answers[1], Err(Fault::Conflict(_))) && said(1).contains("next key"), "{}", said(1));
    assert!(matches!(answers[2], Err(Fault::Invalid { .. })) && said(2).contains("60 days"), "{}", said(2));
}

/// Two tickets that say the same in one second are two credentials.
pub async fn r04_two_tickets_of_one_traveller_end_apart(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let orders = ["A1", "A2", "A3"].map(|ticket| order(ticket, 4, at));
    let issued = put_all(&scene, &orders, at).await.expect("an answer");
    let digests: Vec<_> =
        issued.iter().map(|issued| issued.as_ref().expect("a code").ticket.digest).collect();
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), 3);
    scene.registry.cancel_trip(&scene.operator, ISSUER, (OFFICE, "A2"), at).await.expect("cancelled");
    let gone: Vec<_> = ended(&scene, at).await.iter().map(|trip| trip.digest).collect();
    assert_eq!(gone, [digests[1]]);
    let again = put_all(&scene, &[orders[0].clone(), orders[2].clone()], at).await.expect("an answer");
    for again in again {
        assert_eq!(again.expect("a code").outcome, TripOutcome::Unchanged);
    }
}

/// One line's fault is no other's, and says what to do without saying who.
pub async fn r04_a_list_of_tickets_is_taken_line_by_line(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 3).await;
    let at = now();
    let mut orders: Vec<_> = (4..9).map(|n| order(&format!("L{n}"), n, at)).collect();
    let known = IdNumber::read(&number(5)).expect("a good number");
    orders[1].traveller = Traveller::Person { number: known, name: "Somebody Else".into() };
    orders[4].traveller = Traveller::Holder(HolderIndex(2));
    orders.push(order("L4", 4, at));
    let mut past = order("L10", 6, at);
    (past.from, past.until) = (UnixSeconds(1000), UnixSeconds(2000));
    orders.push(past);
    orders.push(order("a ticket", 6, at));
    let before = scene.store.trail(0, u32::MAX).await.expect("a trail").len();
    let answers = put_all(&scene, &orders, at).await.expect("an answer");
    let check = |nth: usize, says: &str| match &answers[nth] {
        Err(fault) => {
            let text = fault.to_string();
            assert!(
                text.contains(says) && !text.contains("Somebody") && !text.contains(&number(5)[6..]),
                "{nth}: {text}"
            );
        }
        other => panic!("{nth}: {other:?}"),
    };
    check(1, "another name");
    check(3, "registered");
    check(5, "earlier in this list");
    check(6, "until");
    check(7, "ticket: 1 to 64 visible");
    for nth in [0, 2, 4] {
        assert_eq!(answers[nth].as_ref().map(|issued| issued.outcome), Ok(TripOutcome::Issued), "{nth}");
    }
    let told = (Action::TripIssued, "3 tickets of office 12306".to_owned());
    assert_eq!(lines(&scene, before).await, [told], "one line");
    assert!(matches!(put_all(&scene, &[], at).await, Err(Fault::Invalid { field: "tickets", .. })));
    let office = scene.registry.put_trips(&scene.operator, ISSUER, ("no/office", &orders), at).await;
    assert!(matches!(office, Err(Fault::Invalid { field: "office", .. })));
}

/// The database has a keyed digest of the number, and nothing of the reference (R45).
pub async fn r04_no_number_and_no_reference_of_a_ticket_is_stored(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let mut wanted = order("QX7731904562", 4, at);
    wanted.reference = Some(Reference::read("ZQ77-901").expect("a good reference"));
    let issued = put(&scene, wanted, at).await.expect("a code");
    scene
        .registry
        .cancel_trip(&scene.operator, ISSUER, (OFFICE, "QX7731904562"), at)
        .await
        .expect("cancelled");
    let stored = database.stored().await;
    let has = |sought: &[u8]| stored.windows(sought.len()).any(|window| window == sought);
    assert!(has(&issued.ticket.digest), "the search finds what is there");
    for (what, sought) in
        [("number", "QX7731904562"), ("reference", "ZQ77-901"), ("code", issued.code.as_str())]
    {
        assert!(!has(sought.as_bytes()), "the {what} is stored");
    }
}

/// Whoever comes second changes what the first one made: one code is good, and every other one ended.
pub async fn r04_two_changes_at_once_leave_one_code_that_is_good(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await];
    let [one, two] = &scenes;
    one.add_people(4, 1).await;
    let at = now();
    let change = async |scene: &Scene, first_hub: u32| {
        let mut digests = Vec::new();
        for hub in first_hub..first_hub + 6 {
            let mut wanted = order(TICKET, 4, at);
            wanted.hub = HubId(hub);
            digests.push(put(scene, wanted, at).await.expect("a code").ticket.digest);
        }
        digests
    };
    let (ones, twos) = tokio::join!(change(one, 100), change(two, 200));
    let all: BTreeSet<_> = ones.into_iter().chain(twos).collect();
    assert_eq!(all.len(), 12);
    let gone: BTreeSet<_> = ended(one, at).await.iter().map(|trip| trip.digest).collect();
    let good: Vec<_> = all.difference(&gone).copied().collect();
    let (held, _) = one.registry.trip(&one.operator, ISSUER, (OFFICE, TICKET), at).await.expect("a ticket");
    assert_eq!((good, gone.len()), (vec![held.digest], 11));
}

/// Between the look-up of a traveller and the code, a clerk may join the record, and both authorities may raise the
/// generation: an office is never told of a code that every gate refuses.
pub async fn r04_a_record_that_is_joined_meanwhile_gets_no_code(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 2).await;
    scene.change(&[(1, Change::Word(green().with_generation(3)))]).await;
    let at = now();
    let mut wanted = order(TICKET, 4, at);
    wanted.traveller = Traveller::Holder(HolderIndex(0));
    let office = Mutex::new(Some((Scene::beside(database).await, wanted)));
    let asked = Mutex::new(None);
    let decide = |records: &Records| {
        if let Some((beside, wanted)) = office.lock().expect("whole").take() {
            *asked.lock().expect("whole") = Some(tokio::spawn(async move { put(&beside, wanted, at).await }));
            // Where the store lets others read, the traveller is looked up now; the code waits for the end of this.
            std::thread::sleep(Duration::from_millis(200));
        }
        let joined = StoredHolder { joined: Some(HolderIndex(1)), ..records.holders[0].clone() };
        Ok(RecordEdit { changed: vec![joined], ..RecordEdit::default() })
    };
    let entry = Entry::new(at, &scene.operator, Action::HoldersJoined, Some(ISSUER), "holder 0 into 1");
    let sought = Sought { numbers: &[], holders: &[HolderIndex(0)] };
    scene.store.edit_holders(ISSUER, &sought, &decide, &entry).await.expect("a join");
    let asked = asked.into_inner().expect("whole").expect("asked");
    let answer = asked.await.expect("an answer");
    assert!(matches!(&answer, Err(Fault::Conflict(why)) if why.contains("was joined into")), "{answer:?}");

    let holders = [HolderIndex(0), HolderIndex(1)];
    let sought = SoughtTickets { keys: &[], holders: &holders };
    let decide = |records: &TicketRecords| {
        assert_eq!(holders.map(|holder| records.goes_on(holder)), [false, true]);
        assert_eq!(holders.map(|holder| records.word(holder).generation()), [0, 3]);
        Ok(TicketEdit::default())
    };
    scene.store.edit_tickets(ISSUER, &sought, &decide).await.expect("a look");
}
