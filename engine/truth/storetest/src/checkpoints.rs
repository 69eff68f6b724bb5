//! Checkpoints.

use hufu_codes::chain::Tip;
use hufu_registry::ChainSource as _;
use hufu_registry::Fault;
use hufu_wire::chain::{ChainDigest, Change, Checkpoint};
use hufu_wire::{Message as _, Sequence, UnixMillis};

use crate::scene::now;
use crate::{Database, ISSUER, Scene, green};

pub(crate) fn vouched(scene: &Scene, tip: &Tip, made: UnixMillis) -> Vec<u8> {
    let mut checkpoint = Checkpoint {
        issuer: ISSUER,
        sequence: tip.sequence,
        made,
        proposed: tip.proposed,
        local_key: scene.local.key(),
        national_key: scene.national.key(),
        digest: tip.digest,
        snapshot: [0x5a; 32],
        local_signature: [0; 64],
        national_signature: [0; 64],
    };
    checkpoint.local_signature = scene.local.vouch(&checkpoint).expect("its key");
    checkpoint.national_signature = scene.national.vouch(&checkpoint).expect("its key");
    let mut bytes = vec![0; checkpoint.size()];
    checkpoint.write_to(&mut bytes);
    bytes
}

/// Both signatures (R21), a set of this chain (R22), and never an older one than there is.
pub async fn the_newest_checkpoint_of_this_history_is_kept(database: &dyn Database) {
    let scene = Scene::open(database).await;
    assert_eq!(scene.registry.checkpoint(ISSUER).await, Ok(None));
    scene.change(&[(1, Change::Word(green()))]).await;
    let first = scene.tip().await;
    scene.change(&[(2, Change::Word(green()))]).await;
    let second = scene.tip().await;

    let put = async |bytes: &[u8]| scene.registry.put_checkpoint(&scene.operator, ISSUER, bytes, now()).await;
    let kept = async || scene.registry.checkpoint(ISSUER).await.expect("a look").expect("one").to_vec();
    let [early, late] = [now(), now()];
    let at_first = vouched(&scene, &first, early);
    assert_eq!(put(&at_first).await, Ok(true));
    assert_eq!(put(&at_first).await, Ok(false), "it is there");
    let at_second = vouched(&scene, &second, early);
    assert_eq!(put(&at_second).await, Ok(true));
    assert_eq!(put(&vouched(&scene, &first, late)).await, Ok(false), "an older one");
    assert_eq!(kept().await, at_second);
    let anew = vouched(&scene, &second, late);
    assert_eq!(put(&anew).await, Ok(true), "the same place, made later");
    assert_eq!(kept().await, anew);

    let mut forged = anew.clone();
    forged[100] ^= 1;
    assert!(matches!(put(&forged).await, Err(Fault::Unbelieved(_))));
    let cases = [
        ("of the future", second, UnixMillis(now().0 + 1_000_000)),
        ("beyond the chain", Tip { sequence: Sequence(3), ..second }, late),
        ("another history", Tip { digest: ChainDigest([7; 32]), ..second }, late),
        ("another instruction's time", Tip { proposed: first.proposed, ..second }, late),
    ];
    for (case, tip, made) in cases {
        let refused = put(&vouched(&scene, &tip, made)).await;
        assert!(matches!(refused, Err(Fault::Conflict(_))), "{case}: {refused:?}");
    }
    assert_eq!(kept().await, anew);
}
