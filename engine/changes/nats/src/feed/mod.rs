//! One issuer's chain out of its stream.

mod checkpoint;
mod subscription;

use async_trait::async_trait;
use bytes::Bytes;
use hufu_sync::{Delivery, Feed, FeedFault};
use hufu_wire::{IssuerId, Sequence};

use self::subscription::Subscription;
use crate::fault::NatsFault;
use crate::link::Link;
use crate::options::NatsOptions;

/// A feed from NATS. Nothing happens before [`Feed::subscribe`].
#[derive(Debug)]
pub struct NatsFeed {
    name: String,
    options: NatsOptions,
    issuer: IssuerId,
    subscription: Option<Subscription>,
}

impl NatsFeed {
    /// The feed of `issuer` from these servers.
    pub fn new(options: NatsOptions, issuer: IssuerId) -> NatsFeed {
        NatsFeed { name: options.addresses(), options, issuer, subscription: None }
    }

    async fn link(&self) -> Result<Link, NatsFault> {
        match &self.subscription {
            Some(subscription) => Ok(subscription.link().clone()),
            None => Link::open(&self.options, &format!("hufu feed {}", self.issuer)).await,
        }
    }
}

#[async_trait]
impl Feed for NatsFeed {
    fn name(&self) -> &str {
        &self.name
    }

    /// Always over a new connection: a server that was restarted, or has hung, may still hold the old one and
    /// have forgotten our subscription.
    async fn subscribe(&mut self, after: Sequence) -> Result<(), FeedFault> {
        self.subscription = None;
        let begun = async {
            let link = self.link().await?;
            Subscription::begin(&link, self.issuer, after).await.map_err(|fault| link.explain(fault))
        };
        self.subscription = Some(begun.await.map_err(|fault| fault.of(&self.name))?);
        Ok(())
    }

    async fn next(&mut self) -> Result<Delivery, FeedFault> {
        let next = match &mut self.subscription {
            Some(subscription) => subscription.next().await,
            None => Err(NatsFault::Unreachable("there is no subscription".into())),
        };
        next.map_err(|fault| {
            self.subscription = None;
            fault.of(&self.name)
        })
    }

    /// Closes the connection: its client would go on and keep what comes, as fast as the server sends it.
    fn leave(&mut self) {
        self.subscription = None;
    }

    async fn checkpoint(&mut self) -> Result<Option<Bytes>, FeedFault> {
        let checkpoint = async {
            let link = self.link().await?;
            checkpoint::newest(&link, self.issuer).await.map_err(|fault| link.explain(fault))
        };
        checkpoint.await.map_err(|fault| fault.of(&self.name))
    }
}
