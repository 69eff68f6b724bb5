//! An issuer's chain as a registry sends it: sets, heads and checkpoints in one answer that does not end.

use async_trait::async_trait;
use bytes::Bytes;
use hufu_sync::{Delivery, Feed, FeedFault};
use hufu_wire::{IssuerId, Sequence};
use reqwest::Response;
use reqwest::header::HeaderMap;

use crate::api::Api;
use crate::deliveries::Deliveries;
use crate::fault::told;

/// The feed of one issuer from one registry.
#[derive(Debug)]
pub struct HttpFeed {
    name: String,
    api: Api,
    issuer: IssuerId,
    answer: Option<Answer>,
}

/// An answer, and what of it is here but not yet delivered.
#[derive(Debug)]
struct Answer {
    response: Response,
    deliveries: Deliveries,
}

impl HttpFeed {
    /// A feed of `issuer`. Nothing is sent before [`subscribe`](Feed::subscribe).
    pub fn new(api: Api, issuer: IssuerId) -> HttpFeed {
        HttpFeed { name: format!("feed of issuer {issuer} from {}", api.name()), api, issuer, answer: None }
    }
}

#[async_trait]
impl Feed for HttpFeed {
    fn name(&self) -> &str {
        &self.name
    }

    async fn subscribe(&mut self, after: Sequence) -> Result<(), FeedFault> {
        self.answer = None;
        let call = self.api.get(&[&"issuers", &self.issuer, &"feed"]).query("after", after);
        let begun = self.api.begin(&call, HeaderMap::new()).await;
        let response = begun.map_err(|fault| fault.of_feed(&self.name))?;
        self.answer = Some(Answer { response, deliveries: Deliveries::default() });
        Ok(())
    }

    async fn next(&mut self) -> Result<Delivery, FeedFault> {
        let next = match &mut self.answer {
            Some(answer) => answer.next(&self.name).await,
            None => {
                Err(FeedFault::Unreachable { feed: self.name.clone(), what: "not subscribed".to_owned() })
            }
        };
        if next.is_err() {
            self.answer = None;
        }
        next
    }

    /// Closes the connection: the registry need not keep it full.
    fn leave(&mut self) {
        self.answer = None;
    }

    async fn checkpoint(&mut self) -> Result<Option<Bytes>, FeedFault> {
        self.api.checkpoint(self.issuer).await.map_err(|fault| fault.of_feed(&self.name))
    }
}

impl Answer {
    /// Whoever drops this loses nothing: what has come in is kept before anything else is waited for.
    async fn next(&mut self, feed: &str) -> Result<Delivery, FeedFault> {
        let garbled = |what: String| FeedFault::Garbled { feed: feed.to_owned(), what };
        let unreachable = |what: String| FeedFault::Unreachable { feed: feed.to_owned(), what };
        loop {
            if let Some(delivery) = self.deliveries.pull().map_err(|fault| garbled(fault.to_string()))? {
                return Ok(delivery);
            }
            match self.response.chunk().await.map_err(|error| unreachable(told(error)))? {
                Some(piece) => self.deliveries.push(&piece),
                None if self.deliveries.is_partial() => {
                    return Err(unreachable("the registry ended it within a message".to_owned()));
                }
                None => return Err(unreachable("the registry ended it".to_owned())),
            }
        }
    }
}
