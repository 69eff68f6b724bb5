//! Sign-in through an organisation: OpenID Connect, code flow with PKCE, nonce and state. What the organisation says of a
//! person's groups decides their role.

use std::fmt;
use std::time::{Duration, Instant};

use http::StatusCode;
use hufu_texts::Language;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthorizationCode, ClaimsVerificationError, Client, ClientId,
    ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::role::Role;
use super::session::Person;

/// How long one request to the organisation may take.
const TRY: Duration = Duration::from_secs(10);

/// Largest answer that is taken in, bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// After how long the organisation's keys and addresses are asked for again.
const DISCOVERY: Duration = Duration::from_secs(600);

/// After how long at the soonest: after a failure, and where it signed with a key that it did not have before.
const AGAIN: Duration = Duration::from_secs(5);

/// How long a sign-in may take, seconds.
const UNDER_WAY_S: u64 = 600;

/// Where the organisation sends people back to.
const BACK: &str = "/login/organisation/back";

/// The organisation that signs people in.
#[derive(Clone)]
pub struct OrganisationOptions {
    /// Its issuer, for example `https://login.example`; `http://` on this machine alone.
    pub issuer: String,
    /// What it calls these pages.
    pub client: String,
    /// The secret that goes with it; without, PKCE alone.
    pub secret: Option<String>,
    /// Where browsers reach these pages, for example `https://console.example`.
    pub address: String,
    /// Roots of its certificate, PEM; the platform's where there are none.
    pub ca: Option<Vec<u8>>,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that holds a person's groups: a text or a list of texts.
    pub claim: String,
    /// The role of a group; the first that a person has counts.
    pub roles: Vec<(String, Role)>,
}

impl fmt::Debug for OrganisationOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OrganisationOptions { issuer, client, address, claim, roles, .. } = self;
        write!(f, "OrganisationOptions {{ {issuer:?} {client:?} {address:?} {claim:?} {roles:?} }}")
    }
}

/// Why the organisation did not sign somebody in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// It does not answer, or not in a way that we understand.
    #[error("the organisation does not answer as it should: {0}")]
    Silent(String),
    /// It did not confirm the person, or this is not the browser that began.
    #[error("not confirmed: {0}")]
    Refused(String),
    /// It knows the person, and none of their groups has a role here.
    #[error("{0} has no group with a role here")]
    NoRole(String),
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Refusal::Silent(_) => StatusCode::BAD_GATEWAY,
            Refusal::Refused(_) => StatusCode::UNAUTHORIZED,
            Refusal::NoRole(_) => StatusCode::FORBIDDEN,
        }
    }

    /// The id of its sentence.
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Refusal::Silent(_) => "web-organisation-silent",
            Refusal::Refused(_) => "web-organisation-refused",
            Refusal::NoRole(_) => "web-organisation-no-role",
        }
    }
}

/// Every claim that has no name in the standard.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Claims {}

type Fields = IdTokenFields<
    Claims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Relying = Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A sign-in that is under way; the browser holds it, sealed.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    until_s: u64,
}

/// The organisation, asked when somebody signs in.
pub(crate) struct Organisation {
    options: OrganisationOptions,
    http: reqwest::Client,
    /// What discovery gave last, or why it gave nothing.
    found: Mutex<Option<(Result<Relying, String>, Instant)>>,
    began: Instant,
}

#[derive(Debug, thiserror::Error)]
enum HttpFault {
    #[error(transparent)]
    Sent(#[from] reqwest::Error),
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes")]
    Large,
}

impl Organisation {
    pub(crate) fn open(options: OrganisationOptions) -> Result<Organisation, String> {
        let issuer =
            reqwest::Url::parse(&options.issuer).map_err(|_| "issuer: write https://HOST".to_owned())?;
        let host = issuer.host_str().unwrap_or_default();
        let is_here = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
        if issuer.scheme() != "https" && !(issuer.scheme() == "http" && is_here) {
            return Err("issuer: codes and secrets would travel in the clear; use https".to_owned());
        }
        if options.roles.is_empty() {
            return Err("roles: say at least one group and its role; else no person can sign in".to_owned());
        }
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(TRY);
        let http = match &options.ca {
            Some(pem) => http.tls_certs_only(
                reqwest::Certificate::from_pem_bundle(pem)
                    .map_err(|why| format!("ca: {why}; PEM is expected"))?,
            ),
            None if issuer.scheme() == "http" => http.tls_certs_only([]),
            None => http,
        };
        let http =
            http.build().map_err(|why| format!("TLS cannot be set up: {why}; name a file of roots"))?;
        Ok(Organisation { options, http, found: Mutex::default(), began: Instant::now() })
    }

    fn now_s(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// The organisation's keys and addresses, at most so old.
    async fn relying(&self, age: Duration) -> Result<Relying, Refusal> {
        let mut found = self.found.lock().await;
        let lasts = |(found, at): &(Result<Relying, String>, Instant)| {
            at.elapsed() < if found.is_ok() { age } else { AGAIN }
        };
        let now = match found.take().filter(lasts) {
            Some(found) => found,
            None => (self.discover().await, Instant::now()),
        };
        found.insert(now).0.clone().map_err(Refusal::Silent)
    }

    async fn discover(&self) -> Result<Relying, String> {
        let issuer = IssuerUrl::new(self.options.issuer.clone()).map_err(|why| why.to_string())?;
        let http = |request| send(self.http.clone(), request);
        let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.map_err(|why| told(&why))?;
        let back = format!("{}{BACK}", self.options.address.trim_end_matches('/'));
        let back = RedirectUrl::new(back).map_err(|why| format!("address: {why}"))?;
        let secret = self.options.secret.clone().map(ClientSecret::new);
        let client = ClientId::new(self.options.client.clone());
        Ok(Relying::from_provider_metadata(metadata, client, secret).set_redirect_uri(back))
    }

    /// Where to send the browser, and what it is to bring back.
    pub(crate) async fn begin(&self, language: Language, next: &str) -> Result<(String, String), Refusal> {
        let relying = self.relying(DISCOVERY).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let asked = relying
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(self.options.scopes.iter().cloned().map(Scope::new))
            .add_extra_param("ui_locales", language.tag())
            .set_pkce_challenge(challenge);
        let (address, state, nonce) = asked.url();
        let under_way = UnderWay {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            next: next.to_owned(),
            until_s: self.now_s() + UNDER_WAY_S,
        };
        Ok((address.to_string(), serde_json::to_string(&under_way).unwrap_or_default()))
    }

    /// The person that the organisation confirms, and where they wanted to go.
    pub(crate) async fn end(
        &self,
        under_way: Option<&str>,
        state: &str,
        code: &str,
    ) -> Result<(Person, String), Refusal> {
        let refused = |what: &str| Refusal::Refused(what.to_owned());
        let under_way: UnderWay = under_way
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| refused("this browser did not begin to sign in"))?;
        if state != under_way.state {
            return Err(refused("the state is another one"));
        }
        if self.now_s() >= under_way.until_s {
            return Err(refused("it took too long"));
        }
        if code.is_empty() {
            return Err(refused("the organisation sent no code"));
        }
        let mut relying = self.relying(DISCOVERY).await?;
        let http = |request| send(self.http.clone(), request);
        let silent = |why: String| Refusal::Silent(why);
        let tokens = relying
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|why| silent(why.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(under_way.verifier))
            .request_async(&http)
            .await
            .map_err(|why| refused(&told(&why)))?;
        let token = tokens.id_token().ok_or_else(|| refused("no ID token"))?;
        let nonce = Nonce::new(under_way.nonce);
        if matches!(
            token.claims(&relying.id_token_verifier(), &nonce),
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey))
        ) {
            // It changed its keys since they were asked for.
            relying = self.relying(AGAIN).await?;
        }
        let verifier = relying.id_token_verifier();
        let claims = token.claims(&verifier, &nonce).map_err(|why| refused(&told(&why)))?;
        if let Some(expected) = claims.access_token_hash() {
            let actual = token.signing_alg().map(|algorithm| {
                let key = token.signing_key(&verifier);
                key.map(|key| AccessTokenHash::from_token(tokens.access_token(), algorithm, key))
            });
            let is_same = matches!(actual, Ok(Ok(Ok(actual))) if actual == *expected);
            if !is_same {
                return Err(refused("the access token is another one"));
            }
        }
        let name = claims.preferred_username().map(|name| name.as_str());
        let name =
            name.or_else(|| claims.email().map(|email| email.as_str())).unwrap_or(claims.subject().as_str());
        let (name, subject) = (shown(name), claims.subject().clone());
        let role = match role_of(&claims.additional_claims().all, &self.options.claim, &self.options.roles) {
            Some(role) => Some(role),
            // Some organisations put groups only where userinfo is.
            None => match relying.user_info(tokens.access_token().clone(), Some(subject)) {
                Err(_) => None,
                Ok(asked) => {
                    let said: UserInfoClaims<Claims, CoreGenderClaim> =
                        asked.request_async(&http).await.map_err(|why| silent(told(&why)))?;
                    role_of(&said.additional_claims().all, &self.options.claim, &self.options.roles)
                }
            },
        };
        let role = role.ok_or_else(|| Refusal::NoRole(name.clone()))?;
        Ok((Person { name, role, stamp: None }, under_way.next))
    }
}

/// A name that another program gave, as a page and a log line may show it.
fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

/// The role of the first line of `roles` whose group the claim has.
fn role_of(claims: &Map<String, Value>, claim: &str, roles: &[(String, Role)]) -> Option<Role> {
    let has = |group: &str| match claims.get(claim) {
        Some(Value::String(one)) => one == group,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(group)),
        _ => false,
    };
    roles.iter().find(|(group, _)| has(group)).map(|(_, role)| *role)
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

/// Sends a request over the project's own client; its TLS is the project's.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
    let mut response = http.execute(request.try_into()?).await?;
    let mut answer = http::Response::new(Vec::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    while let Some(chunk) = response.chunk().await? {
        if answer.body().len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(HttpFault::Large);
        }
        answer.body_mut().extend_from_slice(&chunk);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
