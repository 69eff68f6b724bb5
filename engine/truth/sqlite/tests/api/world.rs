//! A registry that serves one issuer, and callers who ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hufu_api::{ApiOptions, Running, serve};
use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, open_instruction};
use hufu_codes::issue::{IssuerSigner, OperatorSigner};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_contract::{Proposal, Tip as TipView};
use hufu_registry::vault::KeyFile;
use hufu_registry::{
    Brake, Caller, Issuer, NewToken, Registry, Scope, Scopes, SecondPhone, Signers, Site, TokenId,
};
use hufu_signature::{PreparedKey, backend};
use hufu_sqlite::SqliteStore;
use hufu_wire::chain::{ChainDigest, Change, Changes, Content, InputsDigest, Proposed, Record};
use hufu_wire::{
    Colour, HolderIndex, IssuerId, RuleId, Sequence, SiteId, StatusWord, UnixMillis, UnixSeconds,
};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ISSUER: IssuerId = IssuerId(310_000);
pub(crate) const NATIONAL: IssuerId = IssuerId(100_000);
pub(crate) const SITE: SiteId = SiteId(310_101);

/// A registry in a folder of its own, served on loopback.
pub(crate) struct World {
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
    client: Client,
    keyring: Arc<Keyring>,
    /// When the last instruction was proposed: the next one's time is later.
    proposed: AtomicU64,
}

/// Somebody with a token.
pub(crate) struct Asker<'w> {
    pub(crate) world: &'w World,
    pub(crate) secret: String,
    pub(crate) id: TokenId,
}

pub(crate) fn local() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x61; 32], ISSUER)
}

pub(crate) fn national() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x62; 32], NATIONAL)
}

fn publisher() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x63; 32], NATIONAL)
}

pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis(u64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn options() -> ApiOptions {
    ApiOptions::on(([127, 0, 0, 1], 0).into())
}

impl World {
    pub(crate) async fn start() -> World {
        World::with(|_| {}).await
    }

    /// A world whose API is served with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut ApiOptions)) -> World {
        // Another test of this process may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let mut options = options();
        options.snapshots = Some(folder.path().join("snapshots"));
        change(&mut options);
        let store = Arc::new(SqliteStore::open(&folder.path().join("registry.db")).await.unwrap());
        let keyring = Arc::new(keyring());
        let codes = IssuerSigner::from_seed(&[0x64; 32], ISSUER);
        let rosters = IssuerSigner::from_seed(&[0x65; 32], ISSUER);
        let signers = Signers { codes: vec![codes], rosters: vec![rosters], publishers: vec![publisher()] };
        let vault = KeyFile::generate().unwrap().vault().unwrap();
        let registry = Arc::new(Registry::new(Arc::clone(&store) as _, vault, signers, Arc::clone(&keyring)));
        let brake = Brake { share_permille: 10, window_s: 3600, free: 3 };
        let issuer = Issuer {
            id: ISSUER,
            name: "Home".into(),
            national: NATIONAL,
            publisher: NATIONAL,
            brake,
            second_phone: SecondPhone::Tell,
        };
        registry.put_issuer(&Caller::operator(), &issuer, now()).await.unwrap();
        let site = Site { id: SITE, name: "North gate".into(), policy: String::new() };
        registry.put_site(&Caller::operator(), &site, now()).await.unwrap();
        let running = serve(&options, Arc::clone(&registry)).unwrap();
        World {
            registry,
            store,
            running,
            folder,
            client: Client::new(),
            keyring,
            proposed: AtomicU64::new(0),
        }
    }

    /// Somebody who may do all of `scopes` for every issuer.
    pub(crate) async fn asker(&self, scopes: impl IntoIterator<Item = Scope>) -> Asker<'_> {
        self.asker_for(scopes, None).await
    }

    pub(crate) async fn asker_for(
        &self,
        scopes: impl IntoIterator<Item = Scope>,
        issuer: Option<IssuerId>,
    ) -> Asker<'_> {
        static TOKENS: AtomicU64 = AtomicU64::new(0);
        let label = format!("asker {}", TOKENS.fetch_add(1, Ordering::Relaxed));
        let expires = UnixMillis(now().0 + 600_000);
        let token = NewToken { label, scopes: Scopes::of(scopes), issuer, expires };
        let (token, secret) = self.registry.add_token(&Caller::operator(), &token, now()).await.unwrap();
        Asker { world: self, secret: secret.as_str().to_owned(), id: token.id }
    }

    pub(crate) async fn everybody(&self) -> Asker<'_> {
        self.asker(Scope::ALL).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.running.addr()))
    }

    /// An instruction that turns holders `from..from + count` this colour.
    pub(crate) fn instruction(&self, from: u32, count: u32, colour: Colour) -> Vec<u8> {
        let moment = now().0;
        let later = |before: u64| Some(moment.max(before + 1));
        let before = self.proposed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).unwrap();
        let proposed = UnixMillis(moment.max(before + 1));
        let word = StatusWord::new(colour, 0);
        let records: Vec<_> = (from..from + count)
            .map(|holder| Record::new(HolderIndex(holder), Change::Status(word)))
            .collect();
        let content = Content {
            proposed: proposed.into(),
            valid_s: 600,
            rule: RuleId(7),
            inputs: InputsDigest([0x55; 32]),
            local_key: local().key(),
            reason: "contact of a case",
            changes: Changes::new(&records).unwrap(),
        };
        local().instruct(&content).unwrap()
    }

    /// The change set that the national platform makes of an instruction after `tip`.
    pub(crate) fn confirmation(&self, instruction: &[u8], tip: &TipView) -> Vec<u8> {
        let authorities = Authorities::new(ISSUER, NATIONAL, NATIONAL).unwrap();
        let opened = open_instruction(instruction, &authorities, &self.keyring, backend()).unwrap();
        let tip = Tip {
            sequence: Sequence(tip.sequence),
            digest: ChainDigest(tip.digest.0),
            proposed: Proposed::new(tip.era, UnixMillis(tip.proposed_ms)),
            confirmed: UnixMillis(tip.confirmed_ms),
        };
        national().confirm(&opened, &tip, now()).unwrap()
    }
}

fn keyring() -> Keyring {
    let operator = OperatorSigner::from_seed(&[0x22; 32]);
    let (since, until) = (UnixSeconds(1_780_000_000), UnixSeconds(u32::MAX));
    let authority = |signer: AuthoritySigner, uses| signer.listed(uses, since, since, until);
    let issuer = |seed, uses| IssuerSigner::from_seed(&[seed; 32], ISSUER).listed(uses, since, since, until);
    let keys = [
        authority(local(), Uses::INSTRUCTION),
        authority(national(), Uses::CONFIRMATION),
        authority(publisher(), Uses::HEAD),
        issuer(0x64, Uses::PHONE | Uses::PAPER | Uses::TRIP),
        issuer(0x65, Uses::ROSTER),
    ];
    let list = TrustList::sign(1, since, &keys, &operator);
    let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
    Keyring::empty().update(&list, now().seconds()).unwrap()
}

impl Asker<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.world.request(method, path).bearer_auth(&self.secret)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        told(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, json: Value) -> (StatusCode, Value) {
        told(self.request(method, path).json(&json).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, json: Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, json).await
    }

    pub(crate) async fn octets(&self, method: Method, path: &str, bytes: Vec<u8>) -> (StatusCode, Value) {
        let request = self.request(method, path).header(CONTENT_TYPE, "application/octet-stream");
        told(request.body(bytes).send().await.unwrap()).await
    }

    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    pub(crate) async fn tip(&self) -> TipView {
        let (status, tip) = self.get("/v1/issuers/310000/tip").await;
        assert_eq!(status, StatusCode::OK);
        serde_json::from_value(tip).unwrap()
    }

    pub(crate) async fn propose(&self, instruction: Vec<u8>) -> Proposal {
        let (status, proposal) = self.octets(Method::POST, "/v1/issuers/310000/proposals", instruction).await;
        assert_eq!(status, StatusCode::OK, "{proposal}");
        serde_json::from_value(proposal).unwrap()
    }

    pub(crate) async fn confirm(&self, proposal: u64, set: Vec<u8>) -> (StatusCode, Value) {
        let path = format!("/v1/issuers/310000/proposals/{proposal}/confirmation");
        self.octets(Method::POST, &path, set).await
    }

    /// Appends a set of one green holder; its bytes.
    pub(crate) async fn append(&self, holder: u32) -> Vec<u8> {
        self.append_many(holder, 1).await
    }

    /// Appends a set of `count` green holders; its bytes. 32,768 are the largest set.
    pub(crate) async fn append_many(&self, from: u32, count: u32) -> Vec<u8> {
        let instruction = self.world.instruction(from, count, Colour::Green);
        let proposal = self.propose(instruction.clone()).await;
        let set = self.world.confirmation(&instruction, &self.tip().await);
        let (status, confirmed) = self.confirm(proposal.id, set.clone()).await;
        assert_eq!(status, StatusCode::OK, "{confirmed}");
        set
    }
}

/// Status and JSON of an answer; a problem says its own status.
pub(crate) async fn told(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let media = response.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
    let bytes = response.bytes().await.unwrap();
    if status.is_success() {
        return (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null));
    }
    assert_eq!(media.as_deref(), Some("application/problem+json"), "{status}");
    let problem: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(problem["status"], status.as_u16());
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    (status, problem)
}

/// The name of a problem.
pub(crate) fn name(problem: &Value) -> &str {
    problem["type"].as_str().unwrap().strip_prefix("urn:hufu:problem:").unwrap()
}
