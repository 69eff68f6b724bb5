//! What many requests of one moment read and write together: whose token it is, which phone asks, what a holder's
//! record says, and which credentials were issued. Each request has its own answer, as if it had come alone.

use std::collections::HashMap;
use std::sync::Arc;

use hufu_contract::PhoneName;
use hufu_wire::{HolderIndex, IssuerId, StatusWord};

use super::together::Together;
use crate::credential::OtherPhones;
use crate::fault::Fault;
use crate::holder::StoredHolder;
use crate::phone::StoredPhone;
use crate::store::{NewCredential, Records, Store};
use crate::token::{Token, TokenHash};

/// Credentials of one transaction: at 30 µs each it takes some 10 ms.
const WRITES_MAX: usize = 256;
/// Records of one read.
const READS_MAX: usize = 512;

/// A holder's record, if there is one, and status word.
pub(super) type Looked = (Option<StoredHolder>, StatusWord);

/// The batches of one registry.
pub(super) struct Batches {
    tokens: Together<TokenHash, Result<Option<Token>, Fault>>,
    looks: Together<(IssuerId, HolderIndex), Result<Looked, Fault>>,
    phones: Together<PhoneName, Result<Option<StoredPhone>, Fault>>,
    credentials: Together<NewCredential, Result<OtherPhones, Fault>>,
}

impl Batches {
    /// Batches over `store`.
    pub(super) fn over(store: &Arc<dyn Store>) -> Batches {
        let [tokens, looks, phones, credentials] = [store; 4].map(Arc::clone);
        Batches {
            tokens: Together::new(READS_MAX, move |hashes| Box::pin(find(Arc::clone(&tokens), hashes))),
            looks: Together::new(READS_MAX, move |places| Box::pin(look(Arc::clone(&looks), places))),
            phones: Together::new(READS_MAX, move |names| Box::pin(know(Arc::clone(&phones), names))),
            credentials: Together::new(WRITES_MAX, move |new| Box::pin(keep(Arc::clone(&credentials), new))),
        }
    }

    /// The token of a hash, as it was at some time after the question: a revocation that was acknowledged before counts.
    pub(super) async fn token(&self, hash: TokenHash) -> Result<Option<Token>, Fault> {
        self.tokens.ask(hash).await?
    }

    /// A holder's record and word of one moment after the question.
    pub(super) async fn look(&self, issuer: IssuerId, holder: HolderIndex) -> Result<Looked, Fault> {
        self.looks.ask((issuer, holder)).await?
    }

    /// A phone, as it was at some time after the question.
    pub(super) async fn phone(&self, name: PhoneName) -> Result<Option<StoredPhone>, Fault> {
        self.phones.ask(name).await?
    }

    /// Writes down a credential; when this answers it is on the disk.
    pub(super) async fn keep(&self, new: NewCredential) -> Result<OtherPhones, Fault> {
        self.credentials.ask(new).await?
    }
}

/// One question for each token, however many requests show it; questions about several go side by side.
async fn find(store: Arc<dyn Store>, hashes: Vec<TokenHash>) -> Vec<Result<Option<Token>, Fault>> {
    let mut distinct: Vec<TokenHash> = Vec::new();
    for hash in &hashes {
        if !distinct.contains(hash) {
            distinct.push(*hash);
        }
    }
    let mut found = Vec::with_capacity(distinct.len());
    if let [hash] = distinct[..] {
        found.push((hash, store.token(hash).await));
    } else {
        let asked: Vec<_> = distinct
            .into_iter()
            .map(|hash| {
                let store = Arc::clone(&store);
                (hash, tokio::spawn(async move { store.token(hash).await }))
            })
            .collect();
        for (hash, asked) in asked {
            found.push((hash, asked.await.unwrap_or_else(|_| Err(unanswered()))));
        }
    }
    let of = |hash: &TokenHash| found.iter().find(|(known, _)| known == hash);
    hashes.iter().map(|hash| of(hash).map_or_else(|| Err(unanswered()), |(_, token)| token.clone())).collect()
}

async fn know(store: Arc<dyn Store>, names: Vec<PhoneName>) -> Vec<Result<Option<StoredPhone>, Fault>> {
    let found = store.phones_named(&names).await;
    let found: Result<HashMap<PhoneName, StoredPhone>, Fault> =
        found.map(|phones| phones.into_iter().map(|phone| (phone.name(), phone)).collect());
    let one = |name| found.as_ref().map(|found| found.get(name).cloned()).map_err(Clone::clone);
    names.iter().map(one).collect()
}

async fn look(store: Arc<dyn Store>, places: Vec<(IssuerId, HolderIndex)>) -> Vec<Result<Looked, Fault>> {
    let mut issuers: Vec<_> = places.iter().map(|(issuer, _)| *issuer).collect();
    issuers.sort_unstable();
    issuers.dedup();
    let mut read: Vec<(IssuerId, Result<Records, Fault>)> = Vec::with_capacity(issuers.len());
    for issuer in issuers {
        let of_issuer = places.iter().filter(|(of, _)| *of == issuer);
        let mut holders: Vec<_> = of_issuer.map(|(_, holder)| *holder).collect();
        holders.sort_unstable();
        holders.dedup();
        read.push((issuer, store.look(issuer, &holders).await));
    }
    let one = |(issuer, holder): &(IssuerId, HolderIndex)| {
        let (_, records) = read.iter().find(|(of, _)| of == issuer).ok_or_else(unanswered)?;
        let records = records.as_ref().map_err(Clone::clone)?;
        Ok((records.of(*holder).cloned(), records.word(*holder)))
    };
    places.iter().map(one).collect()
}

async fn keep(store: Arc<dyn Store>, new: Vec<NewCredential>) -> Vec<Result<OtherPhones, Fault>> {
    match store.add_credentials(&new).await {
        Ok(kept) => kept,
        // What one of them breaks must not fail the others. Where the store does not answer, whether they were written is
        // unknown, and trying each again would only take longer.
        Err(fault) if new.len() > 1 && !matches!(fault, Fault::Unavailable(_)) => {
            let mut kept = Vec::with_capacity(new.len());
            for one in &new {
                let alone = store.add_credentials(std::slice::from_ref(one)).await;
                kept.push(alone.and_then(|mut kept| kept.pop().unwrap_or_else(|| Err(unanswered()))));
            }
            kept
        }
        Err(fault) => new.iter().map(|_| Err(fault.clone())).collect(),
    }
}

fn unanswered() -> Fault {
    Fault::Unavailable("the store left a question without an answer".into())
}
