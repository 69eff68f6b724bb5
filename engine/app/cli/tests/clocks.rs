//! The clocks of a registry and of both authorities were ahead, and are right again: the way back, with the real binary
//! (R21). Nobody's clock is moved: what was signed ahead is put into the registry's store by this test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod registry;

use std::time::{SystemTime, UNIX_EPOCH};

use common::said;
use hufu_codes::chain::{Authorities, AuthoritySigner, Unconfirmed, content_digest, open_instruction};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_registry::chain::{Append, Appended};
use hufu_registry::store::{Chain as _, Proposals as _};
use hufu_registry::{Action, Caller, Entry, ProposalFacts};
use hufu_signature::{PreparedKey, backend};
use hufu_sqlite::SqliteStore;
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Parts, Record};
use hufu_wire::{Colour, HolderIndex, IssuerId, RuleId, StatusWord, UnixMillis, UnixSeconds};
use registry::World;

const SHANGHAI: IssuerId = IssuerId(310_000);
const NATIONAL: IssuerId = IssuerId(100_000);
const HOUR: u64 = 3_600_000;

fn signer(world: &World, file: &str, issuer: IssuerId) -> AuthoritySigner {
    let text = world.read(file);
    let seed = text.lines().find_map(|line| line.strip_prefix("seed = \"")?.strip_suffix('"')).unwrap();
    AuthoritySigner::from_seed(&hex::decode(seed).unwrap().try_into().unwrap(), issuer)
}

fn keyring(local: &AuthoritySigner, national: &AuthoritySigner) -> Keyring {
    let (since, end) = (UnixSeconds(1_700_000_000), UnixSeconds(u32::MAX));
    let keys = [
        local.listed(Uses::INSTRUCTION, since, since, end),
        national.listed(Uses::CONFIRMATION, since, since, end),
    ];
    let operator = OperatorSigner::from_seed(&[0x22; 32]);
    let list = TrustList::sign(1, since, &keys, &operator);
    let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
    Keyring::empty().update(&list, since).unwrap()
}

/// Turns a holder red as a registry and authorities do whose clocks are all `ahead_ms` ahead.
async fn change_ahead(world: &World, ahead_ms: u64, holder: u32) {
    let (local, national) = (signer(world, "local.key", SHANGHAI), signer(world, "national.key", NATIONAL));
    let (keyring, authorities) =
        (keyring(&local, &national), Authorities::new(SHANGHAI, NATIONAL, NATIONAL).unwrap());
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = UnixMillis(u64::try_from(since.as_millis()).unwrap() + ahead_ms);
    let records = [Record::new(HolderIndex(holder), Change::Status(StatusWord::new(Colour::Red, 0)))];
    let content = Content {
        proposed: now.into(),
        valid_s: 3600,
        rule: RuleId(1),
        inputs: InputsDigest([0; 32]),
        local_key: local.key(),
        reason: "signed by a clock that is ahead",
        changes: Changes::new(&records).unwrap(),
    };
    let instruction = local.instruct(&content).unwrap();
    let opened = open_instruction(&instruction, &authorities, &keyring, backend()).unwrap();

    let store = SqliteStore::open(&world.path("reg/registry.db")).await.unwrap();
    let tip = store.tip(SHANGHAI).await.unwrap().unwrap();
    let bytes = national.confirm(&opened, &tip, now).unwrap();
    let facts = ProposalFacts {
        content: content_digest(Parts::of(&bytes).unwrap().content),
        proposed: content.proposed,
        expires: content.expires(),
        rule: content.rule,
        inputs: content.inputs,
        local_key: content.local_key,
        reason: content.reason.to_owned(),
        changes: 1,
        reds: 1,
    };
    let entry = |action| Entry::new(now, &Caller::operator(), action, Some(SHANGHAI), "by a clock ahead");
    store.add_proposal(SHANGHAI, &facts, &instruction, now, &entry(Action::Proposed)).await.unwrap();
    let set = Unconfirmed::read(&bytes, &authorities).unwrap().confirm(&keyring, backend()).unwrap();
    let (appended, braked) = (entry(Action::Appended), entry(Action::Braked));
    let append = Append {
        issuer: SHANGHAI,
        set: &set,
        bytes: &bytes,
        content: facts.content,
        now,
        entry: &appended,
        braked: &braked,
    };
    assert!(matches!(store.append(&append).await, Ok(Appended::Appended { .. })));
}

#[test]
fn r21_both_authorities_reset_the_time_of_a_chain_that_a_clock_carried_ahead() {
    let world = World::new();
    world.add_holders(4);
    let refused = |line: &str, told: &str| {
        let output = world.hufu(line);
        assert!(!output.status.success() && said(&output).contains(told), "{line}: {}", said(&output));
    };
    let checkpoint = "checkpoint propose --issuer 310000 --national 100000 --key local.key --state local \
                      --out next.checkpoint --yes";
    let confirm = "change confirm --issuer 310000 --all --key national.key --yes";
    let propose = "change propose --key local.key --reason late --rule 1 --holder 2 --colour green --yes";
    world.propose("--holder 0 --colour green --rule 1");
    world.ok(confirm);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(change_ahead(&world, 8 * HOUR, 1));

    // Nothing is signed, and each refusal names the clock and the way back.
    refused(propose, "--reset-time begins another era");
    refused(checkpoint, "compare this clock with the registry's");
    world.ok(&format!("{propose} --reset-time"));
    refused(confirm, "resets the time of the chain: confirm it with --reset-time");
    refused(&format!("{confirm} --state national"), "docs/OPERATIONS.md, Clocks");
    let confirmed = world.ok(&format!("{confirm} --state national --reset-time"));
    assert_eq!(confirmed.trim(), "proposal 3 is change set 3 of issuer 310000");

    // Both follow the chain over what was signed ahead, and vouch for the same table.
    world.ok(checkpoint);
    let signed = world
        .ok("checkpoint confirm --issuer 310000 --key national.key --state national next.checkpoint --yes");
    assert!(signed.contains("checkpoint at 3 of issuer 310000: 3 holders, signed by both"), "{signed}");
    assert!(world.ok("holder show --issuer 310000 1").contains("red"), "no set is lost");
    refused(&format!("{propose} --reset-time"), "propose without --reset-time");
    world.propose("--holder 3 --colour green --rule 1");
    world.ok(&format!("{confirm} --state national"));
    assert_eq!(world.audit_agrees()["agrees"], true);
    refused(
        "change propose --key local.key --reason x --rule 1 --holder 2 --colour red --yes --quiet-max 0s",
        "ago by",
    );
}
