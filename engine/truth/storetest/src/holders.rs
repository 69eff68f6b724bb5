//! Holders.

use hufu_registry::Fault;
use hufu_registry::IdNumber;
use hufu_registry::Registered;
use hufu_wire::{HolderIndex, IssuerId, StatusWord};

use crate::scene::{key_file, name, now, number, person};
use crate::{Database, ISSUER, Scene, Tampering};

/// Indices count from 0; the same person gets the one they have, within a list and when it is read again.
pub async fn indices_are_dense_and_a_person_is_registered_once(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let check = async |case: &str, people: &[u32], answers: &[(u32, bool)]| {
        let people: Vec<_> = people.iter().map(|n| person(*n)).collect();
        let registered = scene.registry.add_holders(&scene.operator, ISSUER, &people, now()).await;
        let expected: Vec<_> = answers
            .iter()
            .map(|(index, known)| Registered { index: HolderIndex(*index), known: *known })
            .collect();
        assert_eq!(registered, Ok(expected), "{case}");
    };
    check("three", &[10, 11, 12], &[(0, false), (1, false), (2, false)]).await;
    check("the same again, and one more", &[12, 10, 13], &[(2, true), (0, true), (3, false)]).await;
    check("twice in one list", &[14, 14], &[(4, false), (4, true)]).await;

    let find = async |n: u32| {
        let number = IdNumber::read(&number(n)).expect("a good number");
        scene.registry.find_holder(&scene.operator, ISSUER, &number, None, now()).await
    };
    assert_eq!(find(13).await, Ok(Some(HolderIndex(3))));
    assert_eq!(find(99).await, Ok(None));
    let nobody = scene.registry.add_holders(&scene.operator, ISSUER, &[], now()).await;
    assert!(matches!(nobody, Err(Fault::Invalid { .. })));
    let nowhere = scene.registry.add_holders(&scene.operator, IssuerId(9), &[person(1)], now()).await;
    assert!(matches!(nowhere, Err(Fault::NotFound(_))), "{nowhere:?}");
}

/// A list of people is answered in its order, masked, with whether the names are theirs.
pub async fn r10_a_list_of_people_is_looked_up(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 3).await;
    let sought = |n: u32, name: Option<String>| (IdNumber::read(&number(n)).expect("a good number"), name);
    let people =
        [sought(2, Some(name(2))), sought(9, None), sought(0, Some("赵大宝".into())), sought(1, None)];
    let found =
        scene.registry.look_up_holders(&scene.operator, ISSUER, &people, now()).await.expect("a list");
    let found: Vec<_> = found
        .into_iter()
        .map(|found| found.map(|found| (found.index.0, found.display, found.same_name)))
        .collect();
    let shown = |n: u32| format!("王*{}", &number(n)[14..]);
    assert_eq!(
        found,
        [Some((2, shown(2), true)), None, Some((0, shown(0), false)), Some((1, shown(1), true))]
    );
    let nobody = scene.registry.look_up_holders(&scene.operator, ISSUER, &[], now()).await;
    assert!(matches!(nobody, Err(Fault::Invalid { .. })));
}

/// Masked display (R10), and no status before the chain gives one.
pub async fn r10_a_holder_is_shown_masked(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(7, 1).await;
    let shown =
        scene.registry.holder(&scene.operator, ISSUER, HolderIndex(0), now()).await.expect("a holder");
    assert_eq!(shown.display, format!("王*{}", &number(7)[14..]));
    assert_eq!(shown.status, StatusWord::UNKNOWN);
    let nobody = scene.registry.holder(&scene.operator, ISSUER, HolderIndex(1), now()).await;
    assert!(matches!(nobody, Err(Fault::NotFound(_))));
}

/// What is on the disk names nobody (R45).
pub async fn r45_no_personal_field_is_stored_in_clear(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 20).await;
    let number_of = |n| IdNumber::read(&number(n)).expect("a good number");
    scene.registry.find_holder(&scene.operator, ISSUER, &number_of(3), None, now()).await.expect("a search");
    let stored = database.stored().await;
    let holds = |text: &str| memchr::memmem::find(&stored, text.as_bytes()).is_some();
    assert!(holds("holders.added"), "values stand in it as they are");
    for n in 0..20 {
        assert!(!holds(&name(n)), "a name");
        assert!(!holds(&number(n)), "an id number");
        assert!(!holds(&format!("139 {n:08}")), "a phone number");
    }
    assert!(!holds("王"), "a piece of a name");
}

/// Pages follow each other without a gap.
pub async fn holders_are_read_page_by_page(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 25).await;
    let mut after = None;
    let mut indices = Vec::new();
    loop {
        let page = scene.store.holders(ISSUER, after, 10).await.expect("a page");
        assert!(page.len() <= 10);
        let Some(last) = page.last() else { break };
        after = Some(last.index);
        indices.extend(page.iter().map(|holder| holder.index.0));
    }
    assert_eq!(indices, (0..25).collect::<Vec<_>>());
}

/// Rows of both suites lie side by side while one takes over, altered ones are found, and all pass back again.
pub async fn r45_sealing_passes_from_aes_to_sm4_and_back(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 20).await;
    let old = key_file();
    let [of_sm4, newest] = ["seal-sm4 ".to_owned() + &"c3".repeat(32), "seal ".to_owned() + &"d4".repeat(32)];
    let file =
        |lines: &[&str]| old.lines().take(2).chain(lines.iter().copied()).collect::<Vec<_>>().join("\n");
    let of_aes = old.lines().nth(2).expect("a sealing key");
    let shown = async |scene: &Scene, index| {
        let shown = scene.registry.holder(&scene.operator, ISSUER, HolderIndex(index), now()).await;
        shown.map(|shown| shown.display)
    };

    let mixed = Scene::with_vault(database, &file(&[&of_sm4, of_aes])).await;
    mixed.add_people(20, 5).await;
    for index in [0, 19, 20, 24] {
        assert_eq!(shown(&mixed, index).await, Ok(person(index).display()), "sealed with either");
    }
    assert_eq!(mixed.registry.rotate_vault(&mixed.operator, now()).await, Ok(20));
    let only_sm4 = Scene::with_vault(database, &file(&[&of_sm4])).await;
    assert_eq!(shown(&only_sm4, 3).await, Ok(person(3).display()));
    let wrong = Scene::with_vault(database, &file(&[&of_sm4.replacen("seal-sm4", "seal", 1)])).await;
    let found = shown(&wrong, 3).await;
    assert!(matches!(&found, Err(Fault::Misconfigured(why)) if why.contains("`seal-sm4`")), "{found:?}");

    let back = Scene::with_vault(database, &file(&[&newest, &of_sm4])).await;
    assert_eq!(back.registry.rotate_vault(&back.operator, now()).await, Ok(25));
    let only_aes = Scene::with_vault(database, &file(&[&newest])).await;
    for index in [0, 19, 20, 24] {
        assert_eq!(shown(&only_aes, index).await, Ok(person(index).display()));
    }
    // And forth once more, for a row that somebody moves under SM4.
    let forth = Scene::with_vault(database, &file(&[&of_sm4, &newest])).await;
    assert_eq!(forth.registry.rotate_vault(&forth.operator, now()).await, Ok(25));
    database.tamper(Tampering::SwapSealed).await;
    let found = shown(&forth, 0).await;
    assert!(matches!(found, Err(Fault::Damaged(_))), "{found:?}");
    assert_eq!(shown(&forth, 2).await, Ok(person(2).display()));
}

/// The newest key of the file seals what an older one sealed, and the older one is needed no more.
pub async fn another_sealing_key_takes_over(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 30).await;
    let old = key_file();
    let newest = format!("seal {}", "c3".repeat(32));
    let both = old.replacen("seal", &format!("{newest}\nseal"), 1);
    let rotating = Scene::with_vault(database, &both).await;
    rotating.add_people(30, 1).await;
    assert_eq!(rotating.registry.rotate_vault(&rotating.operator, now()).await, Ok(30));
    assert_eq!(
        rotating.registry.rotate_vault(&rotating.operator, now()).await,
        Ok(0),
        "nothing is left to do"
    );

    let only_newest = old.lines().take(2).chain([newest.as_str()]).collect::<Vec<_>>().join("\n");
    let rotated = Scene::with_vault(database, &only_newest).await;
    for index in [0, 29, 30] {
        let shown = rotated.registry.holder(&rotated.operator, ISSUER, HolderIndex(index), now()).await;
        assert_eq!(shown.map(|shown| shown.display), Ok(person(index).display()));
    }
    let lost = scene.registry.holder(&scene.operator, ISSUER, HolderIndex(0), now()).await;
    assert!(matches!(lost, Err(Fault::Misconfigured(_))), "whoever lacks the newest key is told: {lost:?}");
}
