//! An issuer's colours as Token Status Lists (R64): its chain is followed as by an engine, and lists are signed and kept in
//! a folder, from which this or any other server hands them out.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use hufu_codes::keyring::Keyring;
use hufu_files as files;
use hufu_files::keys::{self, Owner, PublicKey};
use hufu_files::settings::bare;
use hufu_files::watched::Watched;
use hufu_files::{Readable, moment};
use hufu_signature::PreparedKey;
use hufu_statuslist::{Claims, Format, Publisher, Signer, look};

use super::chains::{Chains, Planned};
use super::keyring;
use super::state::State;
use super::statuses::Statuses;
use crate::config::{Memory, PublishConfig};

/// Follows an issuer's chain and writes its lists.
pub struct Lists {
    config: PublishConfig,
    operator: PreparedKey,
    keyring: Keyring,
    state: State,
    chains: Chains,
    publisher: Publisher,
    trust_list: Watched,
}

/// A list as it is handed out.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The path of its URI.
    pub path: String,
    /// What it says.
    pub claims: Claims,
    /// The token of each format, in the order of [`Format::ALL`].
    pub tokens: [Arc<[u8]>; 2],
}

impl Lists {
    /// Reads the files that must be there, and starts nothing; the id of the key that would sign.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub fn check(config: &PublishConfig) -> anyhow::Result<String> {
        PublicKey::load(&config.files.operator_key, Owner::Operator)?;
        files::read(&config.files.trust_list)?;
        Ok(signer(config)?.public().thumbprint().to_owned())
    }

    /// Reads every file and begins to follow the chain.
    ///
    /// # Errors
    /// The file, with line and key where it has them, that cannot be used.
    pub fn start(config: PublishConfig) -> anyhow::Result<Lists> {
        let paths = &config.files;
        let state = State::open(&paths.state)?;
        files::folder(&paths.lists)?;
        let trust_list = Watched::new([&paths.trust_list]);
        let operator = PublicKey::load(&paths.operator_key, Owner::Operator)?;
        let operator = PreparedKey::new(&operator.public).context("the operator's key cannot be used")?;
        let keyring = keyring::start(&paths.trust_list, &operator, &state, false, moment::now().seconds())?;
        let signer = signer(&config)?;
        let memory = Memory {
            issuers_max: bare(1),
            holders_max: bare(*config.list.holders_max.get_ref()),
            ..Memory::default()
        };
        let mut statuses = Statuses::new(&memory)?;
        let planned = Planned::new(config.follow.clone(), &mut statuses, &keyring, &memory)?;
        let reader = statuses.reader();
        let slot = config.follow.first().and_then(|follow| reader.slot(follow.issuer()));
        let slot = slot.context("no [[follow]] table")?;
        let publisher = Publisher::new(config.terms(), signer, reader, slot);
        let chains = planned.start(&keyring, &state)?;
        Ok(Lists { config, operator, keyring, state, chains, publisher, trust_list })
    }

    /// The lists of an earlier run that still count.
    pub fn kept(&self) -> Vec<Listed> {
        let now = moment::now().seconds();
        let kept = (0..).map_while(|shard| {
            let [jwt, cwt] = Format::ALL.map(|format| files::read(&self.file(shard, format)));
            let (jwt, cwt) = (jwt.ok()?, cwt.ok()?);
            let claims = look(&cwt).ok()?.claims;
            let path = self.config.path_of(shard);
            Some((shard, Listed { path, claims, tokens: [jwt.into(), cwt.into()] }))
        });
        let uri = |shard| self.config.terms().shards.uri(shard);
        kept.filter(|(shard, list)| list.claims.uri == uri(*shard) && !list.claims.expired(now))
            .map(|(_, list)| list)
            .collect()
    }

    /// Looks for another trust list and for changes; writes the lists that must be written. Called once a second.
    ///
    /// # Errors
    /// A list cannot be signed or written; those before it were.
    pub fn look(&mut self, at_once: bool) -> anyhow::Result<Vec<Listed>> {
        let Lists { config, operator, keyring, state, chains, trust_list, .. } = self;
        trust_list.follow(at_once, || {
            let now = moment::now().seconds();
            *keyring = keyring::update(keyring, &config.files.trust_list, operator, state, now)?;
            chains.set_keyring(keyring);
            Ok(format!("version {} of the trust list is loaded", keyring.version()))
        });
        chains.look(state);
        state.retry();
        let mut written = Vec::new();
        for list in self.publisher.look(moment::now().seconds())? {
            for (format, token) in Format::ALL.into_iter().zip(&list.tokens) {
                files::replace(&self.file(list.shard, format), token, Readable::All)?;
            }
            let [jwt, cwt] = &list.tokens;
            tracing::info!(
                "list {}: {} of {} entries are not valid; {} bytes as JWT, {} as CWT, of {}",
                list.shard,
                list.not_valid,
                self.publisher.terms().shards.entries(),
                jwt.len(),
                cwt.len(),
                moment::show(list.claims.issued)
            );
            let path = self.config.path_of(list.shard);
            written.push(Listed { path, claims: list.claims, tokens: list.tokens });
        }
        Ok(written)
    }

    /// Stops following; the chain leaves a warm copy, and lists stay where they are.
    pub fn stop(self) {
        self.chains.stop(&self.state);
    }

    fn file(&self, shard: u32, format: Format) -> PathBuf {
        self.config.files.lists.join(format!("{shard}.{}", format.extension()))
    }
}

fn signer(config: &PublishConfig) -> anyhow::Result<Signer> {
    let (key, chain) = (&config.files.key, config.files.chain.as_ref());
    keys::ensure_private(key)?;
    let chain = chain.map(|chain| files::read_pem(chain)).transpose()?.unwrap_or_default();
    Signer::from_pem(&files::read_pem(key)?, &chain).with_context(|| key.display().to_string())
}
