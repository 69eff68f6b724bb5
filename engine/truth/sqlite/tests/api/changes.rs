//! From an instruction to a set of the chain, and everything that may come between.

use hufu_contract::{FrameKind, Frames};
use hufu_contract::{Hex, ProposalPhase, Tip};
use hufu_registry::Scope;
use hufu_wire::Colour;
use hufu_wire::chain::{ContentDigest, Release};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{ISSUER, World, name, national, now};

#[tokio::test(flavor = "multi_thread")]
async fn r21_an_instruction_is_proposed_confirmed_and_in_the_chain() {
    let world = World::start().await;
    let local = world.asker([Scope::Propose]).await;
    let platform = world.asker([Scope::Confirm]).await;
    let auditor = world.asker([Scope::Audit]).await;

    let instruction = world.instruction(5, 2, Colour::Green);
    let proposal = local.propose(instruction.clone()).await;
    assert_eq!((proposal.id, proposal.state, proposal.changes), (1, ProposalPhase::Pending, 2));
    assert_eq!(local.propose(instruction.clone()).await, proposal, "the same content is one proposal");
    let (_, pending) = platform.get("/v1/issuers/310000/proposals?state=pending").await;
    assert_eq!(pending["proposals"].as_array().unwrap().len(), 1);
    assert_eq!(platform.bytes("/v1/issuers/310000/proposals/1/instruction").await, instruction);

    let set = world.confirmation(&instruction, &platform.tip().await);
    let before = now().0 * 1000;
    let (status, confirmed) = platform.confirm(1, set.clone()).await;
    assert_eq!((status, &confirmed["sequence"]), (StatusCode::OK, &json!(1)), "{confirmed}");
    assert!(confirmed["committed_us"].as_u64().unwrap() >= before);
    let (status, again) = platform.confirm(1, set.clone()).await;
    assert_eq!((status, again), (StatusCode::OK, json!({"sequence": 1})), "a retry is answered");

    let (_, proposal) = local.get("/v1/issuers/310000/proposals/1").await;
    assert_eq!((&proposal["state"], &proposal["sequence"]), (&json!("confirmed"), &json!(1)));
    assert_eq!(auditor.tip().await.sequence, 1);
    assert_eq!(auditor.bytes("/v1/issuers/310000/sets/1").await, set);
    let mut frames = Frames::default();
    frames.push(&auditor.bytes("/v1/issuers/310000/sets?after=0").await);
    let frame = frames.next().unwrap().unwrap();
    assert_eq!((frame.kind, &frame.payload[..]), (FrameKind::ChangeSet, &set[..]));
    assert!(auditor.bytes("/v1/issuers/310000/sets?after=1").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_name_the_set_they_take_into_account() {
    let world = World::start().await;
    let asker = world.everybody().await;
    asker.append(5).await;
    let response = asker.request(Method::GET, "/v1/issuers/310000/statuses?from=2").send().await.unwrap();
    let tip = asker.tip().await;
    assert_eq!(response.headers()["hufu-tip-sequence"], "1");
    assert_eq!(response.headers()["hufu-tip-digest"], tip.digest.to_string());
    let body = response.bytes().await.unwrap();
    assert_eq!((&body[..4], &body[4..]), (&5_u32.to_le_bytes()[..], &4_u64.to_le_bytes()[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_for_a_place_that_is_taken_says_where_the_chain_ends() {
    let world = World::start().await;
    let asker = world.everybody().await;
    let start = asker.tip().await;
    asker.append(1).await;
    let instruction = world.instruction(2, 1, Colour::Green);
    let proposal = asker.propose(instruction.clone()).await;
    let stale = world.confirmation(&instruction, &Tip { ..start });
    let (status, problem) = asker.confirm(proposal.id, stale).await;
    assert_eq!((status, name(&problem)), (StatusCode::CONFLICT, "moved"), "{problem}");
    let tip: Tip = serde_json::from_value(problem["tip"].clone()).unwrap();
    let (status, confirmed) = asker.confirm(proposal.id, world.confirmation(&instruction, &tip)).await;
    assert_eq!((status, &confirmed["sequence"]), (StatusCode::OK, &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_red_waits_for_the_national_platform_s_second_word() {
    let world = World::start().await;
    let asker = world.everybody().await;
    let instruction = world.instruction(0, 10, Colour::Red);
    let proposal = asker.propose(instruction.clone()).await;
    let set = world.confirmation(&instruction, &asker.tip().await);
    let (status, problem) = asker.confirm(proposal.id, set.clone()).await;
    assert_eq!((status, name(&problem)), (StatusCode::CONFLICT, "braked"), "{problem}");
    assert_eq!((&problem["brake"]["set_back"], &problem["brake"]["reds"]), (&json!(10), &json!(10)));
    let (_, braked) = asker.get("/v1/issuers/310000/proposals/1").await;
    assert_eq!((&braked["state"], &braked["brake"]["reds"]), (&json!("braked"), &json!(10)));
    assert_eq!(asker.tip().await.sequence, 0);

    let release = |set_back| {
        let Hex(content) = proposal.content_digest;
        let release = Release {
            issuer: ISSUER,
            content: ContentDigest(content),
            made: now(),
            national_key: national().key(),
            set_back,
            holders: 10,
            signature: [0; 64],
        };
        national().release(&release).unwrap()
    };
    let path = "/v1/issuers/310000/proposals/1/release";
    let (status, problem) = asker.octets(Method::POST, path, release(9)).await;
    assert_eq!((status, name(&problem)), (StatusCode::CONFLICT, "conflict"), "{problem}");
    let mut forged = release(10);
    *forged.last_mut().unwrap() ^= 1;
    let (status, problem) = asker.octets(Method::POST, path, forged).await;
    assert_eq!((status, name(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "unbelieved"), "{problem}");
    let (status, released) = asker.octets(Method::POST, path, release(10)).await;
    assert_eq!((status, &released["released_for"]), (StatusCode::OK, &json!(10)), "{released}");
    let (status, confirmed) = asker.confirm(proposal.id, set).await;
    assert_eq!((status, &confirmed["sequence"]), (StatusCode::OK, &json!(1)), "{confirmed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_one_signature_is_not_enough_and_nothing_happens() {
    let world = World::start().await;
    let asker = world.everybody().await;
    let instruction = world.instruction(0, 1, Colour::Green);
    let proposal = asker.propose(instruction.clone()).await;
    let set = world.confirmation(&instruction, &asker.tip().await);
    let (local, national) = (set.len() - 128, set.len() - 64);
    let check = async |what: &str, wrong: Vec<u8>| {
        let (status, problem) = asker.confirm(proposal.id, wrong).await;
        assert_eq!(
            (status, name(&problem)),
            (StatusCode::UNPROCESSABLE_ENTITY, "unbelieved"),
            "{what}: {problem}"
        );
    };
    let altered = |place: usize| {
        let mut set = set.clone();
        set[place] ^= 1;
        set
    };
    check("local signature", altered(local)).await;
    check("national signature", altered(national)).await;
    check("a word", altered(local - 1)).await;
    check("cut off", set[..set.len() - 1].to_vec()).await;
    check("swapped", [&set[..local], &set[national..], &set[local..national]].concat()).await;
    check("nothing", Vec::new()).await;
    let (status, problem) =
        asker.octets(Method::POST, "/v1/issuers/310000/proposals", set[80..].to_vec()).await;
    assert_eq!((status, name(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "unbelieved"));
    assert_eq!(asker.tip().await.sequence, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_is_not_confirmed_any_more() {
    let world = World::start().await;
    let asker = world.everybody().await;
    let instruction = world.instruction(0, 1, Colour::Green);
    let proposal = asker.propose(instruction.clone()).await;
    let (status, withdrawn) = asker.post("/v1/issuers/310000/proposals/1/withdraw", Value::Null).await;
    assert_eq!((status, &withdrawn["state"]), (StatusCode::OK, &json!("withdrawn")), "{withdrawn}");
    let set = world.confirmation(&instruction, &asker.tip().await);
    let (status, problem) = asker.confirm(proposal.id, set).await;
    assert_eq!((status, name(&problem)), (StatusCode::CONFLICT, "conflict"), "{problem}");
    let (status, problem) = asker.confirm(7, vec![]).await;
    assert!(status.is_client_error(), "{problem}");
}
