//! An issuer's colours as Token Status Lists (R64): its chain is followed as by an engine, and lists are signed and kept in
//! a folder, from which this or any other server hands them out.

mod figures;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use hufu_codes::keyring::Keyring;
use hufu_files as files;
use hufu_files::keys::{self, Owner, PublicKey};
use hufu_files::settings::bare;
use hufu_files::watched::Watched;
use hufu_files::{Readable, moment};
use hufu_signature::PreparedKey;
use hufu_statuslist::{Claims, Format, Publisher, Signer, look};
use hufu_transport::Exhibit;
use hufu_wire::{UnixSeconds, limits};

use self::figures::Figures;

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
    figures: Arc<Figures>,
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

/// Every file that was read, before anything is started.
struct Ready {
    operator: PreparedKey,
    keyring: Keyring,
    signer: Signer,
    statuses: Statuses,
    chains: Planned,
}

impl Ready {
    fn read(config: &PublishConfig, state: &State) -> anyhow::Result<Ready> {
        let paths = &config.files;
        let operator = PublicKey::load(&paths.operator_key, Owner::Operator)?;
        let operator = PreparedKey::new(&operator.public).context("the operator's key cannot be used")?;
        let keyring = keyring::start(&paths.trust_list, &operator, state, false, moment::now().seconds())?;
        let signer = signer(config)?;
        let memory = Memory {
            issuers_max: bare(1),
            holders_max: bare(*config.list.holders_max.get_ref()),
            ..Memory::default()
        };
        let mut statuses = Statuses::new(&memory)?;
        let chains = Planned::new(config.follow.clone(), &mut statuses, &keyring, &memory)?;
        ensure!(
            !paths.lists.exists() || paths.lists.is_dir(),
            "{} is a file; `lists` in [files] names a folder",
            paths.lists.display()
        );
        ensure_same_entries(config)?;
        Ok(Ready { operator, keyring, signer, statuses, chains })
    }
}

/// Lists that still count must have as many entries as the configuration says: credentials name a list and an index in it.
fn ensure_same_entries(config: &PublishConfig) -> anyhow::Result<()> {
    let shards = config.terms().shards;
    let path = file(config, 0, Format::Cwt);
    let Some(token) = files::read(&path).ok().and_then(|bytes| look(&bytes).ok()) else { return Ok(()) };
    let (found, bits) = (token.list.entries(), token.list.bits() as u64);
    // The last byte is filled.
    let wanted = u64::from(shards.entries()).next_multiple_of(8 / bits);
    ensure!(
        found == wanted || token.claims.uri != shards.uri(0) || token.claims.expired(moment::now().seconds()),
        "{} has {found} entries, and `entries` is {} now: credentials that name a list would be read at another index; put \
         `entries` back, or move the folder's files away once no such credential is valid",
        path.display(),
        shards.entries()
    );
    Ok(())
}

/// The dates of an earlier run's lists, of each form: readers may have either.
fn dates(config: &PublishConfig) -> anyhow::Result<Vec<(u32, UnixSeconds)>> {
    let (folder, shards) = (&config.files.lists, config.terms().shards);
    let latest = moment::now().seconds().0.saturating_add(limits::NOT_BEFORE_TOLERANCE_S);
    let unreadable = || format!("cannot read {}", folder.display());
    let mut dates = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let [stem, end] = [path.file_stem(), path.extension()].map(|part| part.and_then(OsStr::to_str));
        let is_list = end.is_some_and(|end| end.parse::<Format>().is_ok());
        let Some(shard) = stem.filter(|_| is_list).and_then(|stem| stem.parse::<u32>().ok()) else {
            continue;
        };
        let Some(token) = files::read(&path).ok().and_then(|bytes| look(&bytes).ok()) else { continue };
        let issued = token.claims.issued;
        if token.claims.uri == shards.uri(shard) {
            if issued.0 > latest {
                tracing::warn!(
                    "{} is dated {}, which is in the future: the list is not written before; check this clock, or move \
                     the file away if no reader has fetched it",
                    path.display(),
                    moment::show(issued)
                );
            }
            dates.push((shard, issued));
        }
    }
    Ok(dates)
}

fn file(config: &PublishConfig, shard: u32, format: Format) -> PathBuf {
    config.files.lists.join(format!("{shard}.{}", format.extension()))
}

impl Lists {
    /// Reads every file, and starts and writes nothing; the id of the key that would sign.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn check(config: &PublishConfig) -> anyhow::Result<String> {
        let state = State::look(&config.files.state)?;
        let ready = Ready::read(config, &state)?;
        state.probe()?;
        Ok(ready.signer.public().thumbprint().to_owned())
    }

    /// Reads every file and begins to follow the chain.
    ///
    /// # Errors
    /// The file, with line and key where it has them, that cannot be used.
    pub fn start(config: PublishConfig) -> anyhow::Result<Lists> {
        let state = State::open(&config.files.state)?;
        let trust_list = Watched::new([&config.files.trust_list]);
        let Ready { operator, keyring, signer, statuses, chains } = Ready::read(&config, &state)?;
        files::folder(&config.files.lists)?;
        let reader = statuses.reader();
        let issuer = config.follow.first().context("no [[follow]] table")?.issuer();
        let slot = reader.slot(issuer).context("no [[follow]] table")?;
        let mut publisher = Publisher::new(config.terms(), signer, reader, slot);
        for (shard, issued) in dates(&config)? {
            publisher.not_before(shard, issued);
        }
        let chains = chains.start(&keyring, &state)?;
        let figures = Arc::new(Figures::new(issuer, *config.list.entries.get_ref()));
        Ok(Lists { config, operator, keyring, state, chains, publisher, trust_list, figures })
    }

    /// What a metrics page shows: of the lists, and of the chain that they come from.
    pub fn figures(&self) -> Vec<Arc<dyn Exhibit>> {
        vec![Arc::<Figures>::clone(&self.figures), Arc::new(self.chains.figures())]
    }

    /// The lists of an earlier run that still count.
    pub fn kept(&self) -> Vec<Listed> {
        let now = moment::now().seconds();
        let kept = (0..).map_while(|shard| {
            let [jwt, cwt] = Format::ALL.map(|format| files::read(&file(&self.config, shard, format)));
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

    /// Looks for another trust list and for changes; writes some of the lists that must be written, and the others at the
    /// next call. `put` gets each list whose files were written. Called once a second.
    ///
    /// # Errors
    /// A list cannot be signed or written, why is said of the first; it is tried again at the next call.
    pub fn look(&mut self, at_once: bool, mut put: impl FnMut(Listed)) -> anyhow::Result<()> {
        let Lists { config, operator, keyring, state, chains, trust_list, .. } = self;
        trust_list.follow(at_once, || {
            let now = moment::now().seconds();
            *keyring = keyring::update(keyring, &config.files.trust_list, operator, state, now)?;
            chains.set_keyring(keyring);
            Ok(format!("version {} of the trust list is loaded", keyring.version()))
        });
        chains.look(state);
        state.retry();
        let entries = u64::from(self.publisher.terms().shards.entries());
        let lists = self.publisher.look(moment::now().seconds());
        let mut fault = lists.as_ref().err().cloned().map(anyhow::Error::from);
        let (mut written, mut bytes, mut not_valid) = (Vec::new(), 0, 0);
        for list in lists.unwrap_or_default() {
            let mut files = Format::ALL.into_iter().zip(&list.tokens);
            let write = |(format, token): (Format, &Arc<[u8]>)| {
                files::replace(&file(&self.config, list.shard, format), token, Readable::All)
            };
            if let Err(error) = files.try_for_each(write) {
                self.publisher.lost(list.shard);
                fault.get_or_insert(error);
                continue;
            }
            bytes += list.tokens.iter().map(|token| token.len()).sum::<usize>();
            not_valid += list.not_valid;
            written.push((list.shard, list.claims.issued));
            put(Listed { path: self.config.path_of(list.shard), claims: list.claims, tokens: list.tokens });
        }
        if let Some((first, issued)) = written.first() {
            let which = match written.last() {
                Some((last, _)) if last != first => format!("{} lists, {first} to {last}", written.len()),
                _ => format!("list {first}"),
            };
            tracing::info!(
                "{which}: {not_valid} of {} entries are not valid; {bytes} bytes as JWT and CWT, of {}",
                written.len() as u64 * entries,
                moment::show(*issued)
            );
        }
        self.figures.note(written.into_iter());
        match fault {
            None => Ok(()),
            Some(fault) => {
                self.figures.note_failure();
                Err(fault)
            }
        }
    }

    /// Stops following; the chain leaves a warm copy, and lists stay where they are.
    pub fn stop(self) {
        self.chains.stop(&self.state);
    }
}

fn signer(config: &PublishConfig) -> anyhow::Result<Signer> {
    let (key, chain) = (&config.files.key, config.files.chain.as_ref());
    keys::ensure_private(key)?;
    let chain = chain.map(|chain| files::read_pem(chain)).transpose()?.unwrap_or_default();
    Signer::from_pem(&files::read_pem(key)?, &chain).with_context(|| key.display().to_string())
}
