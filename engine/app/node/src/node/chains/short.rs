//! `serve --follow`: whom to follow when only the feed is named. The operator says it in the trust list, by what
//! keys may sign; the feed is never asked, for whoever runs it could name itself.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use hufu_codes::keyring::{Keyring, Uses};
use hufu_files::moment;
use hufu_wire::{IssuerId, UnixSeconds};

use crate::config::{Follow, Short};

/// The tables that `short` stands for, beside those of the configuration.
///
/// # Errors
/// The trust list does not say, or says two things; an issuer would be followed twice.
pub(in crate::node) fn resolve(
    short: &[Short],
    mut follow: Vec<Follow>,
    keyring: &Keyring,
) -> anyhow::Result<Vec<Follow>> {
    for short in short {
        let issuers = match short.named {
            Some(named) => vec![named],
            None => of_trust_list(keyring, moment::now().seconds())?,
        };
        for named in issuers {
            let new = short.follow(named);
            if let Some(first) = follow.iter().find(|first| first.issuer() == new.issuer()) {
                bail!(
                    "{}: issuer {} is followed by {} already; keep one of the two",
                    new.place,
                    new.issuer(),
                    first.place
                );
            }
            follow.push(new);
        }
    }
    Ok(follow)
}

/// Everybody who may propose changes, with the one who confirms them and the one who publishes.
fn of_trust_list(keyring: &Keyring, now: UnixSeconds) -> anyhow::Result<Vec<[u32; 3]>> {
    let who = |uses| whose(keyring, uses, now);
    let [national] = who(Uses::CONFIRMATION)[..] else { bail!(unclear("confirm", "confirmation")) };
    let [publisher] = who(Uses::HEAD)[..] else { bail!(unclear("publish", "head")) };
    let local = who(Uses::INSTRUCTION).into_iter().filter(|local| *local != national);
    let named: Vec<_> = local.map(|local| [local, national, publisher].map(|id| id.0)).collect();
    ensure!(
        !named.is_empty(),
        "--follow: the trust list has no key with the use instruction: there is no issuer to follow"
    );
    Ok(named)
}

/// The issuers with a key in force that may sign so, by rising id.
fn whose(keyring: &Keyring, uses: Uses, now: UnixSeconds) -> Vec<IssuerId> {
    let keys = keyring.keys().iter().filter(|key| keyring.key_for(key.kid, uses, now).is_ok());
    keys.map(|key| key.issuer).collect::<BTreeSet<_>>().into_iter().collect()
}

fn unclear(what: &str, uses: &str) -> String {
    format!(
        "--follow: the trust list does not have keys of exactly one issuer that may {what} changes (use {uses}); \
         name whom you mean: --follow URL,ISSUER,NATIONAL,PUBLISHER"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_codes::chain::AuthoritySigner;
    use hufu_codes::issue::OperatorSigner;
    use hufu_codes::keyring::TrustList;
    use hufu_signature::PreparedKey;

    const NOW: UnixSeconds = UnixSeconds(1_000);

    fn keyring(keys: &[(u32, Uses)]) -> Keyring {
        let listed = |(seed, (issuer, uses)): (u8, &(u32, Uses))| {
            let signer = AuthoritySigner::from_seed(&[seed; 32], IssuerId(*issuer));
            signer.listed(*uses, UnixSeconds(0), UnixSeconds(0), UnixSeconds(u32::MAX))
        };
        let operator = OperatorSigner::from_seed(&[99; 32]);
        let keys: Vec<_> = (1..).zip(keys).map(listed).collect();
        let signed = TrustList::sign(1, NOW, &keys, &operator);
        let public = PreparedKey::new(operator.public()).unwrap();
        Keyring::empty().update(&TrustList::open(&signed, &public).unwrap(), NOW).unwrap()
    }

    #[test]
    fn the_trust_list_says_whom_to_follow() {
        let both = Uses::CONFIRMATION | Uses::HEAD;
        let check = |keys: &[(u32, Uses)], wanted: Result<&[[u32; 3]], &str>| match (
            of_trust_list(&keyring(keys), NOW),
            wanted,
        ) {
            (Ok(named), Ok(wanted)) => assert_eq!(named, wanted),
            (Err(error), Err(wanted)) => assert!(error.to_string().contains(wanted), "{error}"),
            (found, wanted) => panic!("{found:?}, not {wanted:?}"),
        };
        let (local, paper) = (Uses::INSTRUCTION, Uses::PAPER);
        check(&[(1, both), (31, local), (31, local), (61, local), (9, paper)], Ok(&[[31, 1, 1], [61, 1, 1]]));
        check(&[(1, Uses::CONFIRMATION), (2, Uses::HEAD), (1, local), (31, local)], Ok(&[[31, 1, 2]]));
        check(&[(1, both), (2, Uses::CONFIRMATION), (31, local)], Err("exactly one issuer that may confirm"));
        check(&[(1, Uses::CONFIRMATION), (31, local)], Err("may publish"));
        check(&[(1, both), (9, paper)], Err("there is no issuer to follow"));
    }
}
