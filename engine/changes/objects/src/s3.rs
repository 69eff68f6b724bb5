//! An S3-compatible object store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hufu_wire::without_bom;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3CopyIfNotExists};
use object_store::path::Path;
use object_store::{Certificate, ClientOptions};

use crate::fault::Misconfigured;
use crate::objects::Objects;

/// How to reach an S3-compatible store. What is `None` comes from the standard `AWS_*` variables of the environment,
/// and where these are silent too, from the machine's role.
#[derive(Clone, Default)]
pub struct S3Options {
    /// Its URL, `AWS_ENDPOINT_URL`; Amazon's of the region when there is none. Only a URL that begins with `http://`
    /// is asked without TLS.
    pub endpoint: Option<String>,
    /// `AWS_REGION`, `us-east-1` when there is none.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<String>,
    /// `AWS_SESSION_TOKEN`, with credentials that are lent.
    pub session_token: Option<String>,
    /// A PEM file with the roots that its certificate may have, beside the system's.
    pub ca: Option<PathBuf>,
    /// Whether the bucket stands in the host's name and not in the path.
    pub is_virtual_hosted: bool,
}

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the store may be silent. There is no limit to a whole transfer: how long that takes is the line's affair.
const SILENCE: Duration = Duration::from_secs(30);

impl Objects {
    /// Snapshots in a bucket, under a prefix. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// [`Misconfigured`] when the options contradict each other, or the file of roots cannot be read.
    pub fn s3(bucket: &str, prefix: &str, options: &S3Options) -> Result<Objects, Misconfigured> {
        let place =
            if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") };
        let misconfigured = |what: String| Misconfigured { place: place.clone(), what };

        let mut client = ClientOptions::new()
            .with_timeout_disabled()
            .with_connect_timeout(CONNECT)
            .with_read_timeout(SILENCE);
        if let Some(file) = &options.ca {
            let roots = std::fs::read(file).map_err(|error| error.to_string());
            let roots = roots.and_then(|pem| {
                Certificate::from_pem_bundle(without_bom(&pem)).map_err(|error| error.to_string())
            });
            let roots = roots.map_err(|what| misconfigured(format!("{}: {what}", file.display())))?;
            client = roots.into_iter().fold(client, ClientOptions::with_root_certificate);
        }

        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        let explicit = [
            (AmazonS3ConfigKey::Endpoint, &options.endpoint),
            (AmazonS3ConfigKey::Region, &options.region),
            (AmazonS3ConfigKey::AccessKeyId, &options.access_key_id),
            (AmazonS3ConfigKey::SecretAccessKey, &options.secret_access_key),
            (AmazonS3ConfigKey::Token, &options.session_token),
        ];
        for (key, value) in explicit {
            if let Some(value) = value {
                builder = builder.with_config(key, value);
            }
        }
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
        if builder.get_config_value(&AmazonS3ConfigKey::CopyIfNotExists).is_none() {
            builder = builder.with_copy_if_not_exists(S3CopyIfNotExists::Multipart);
        }
        let store = builder
            .with_client_options(client.with_allow_http(is_plain))
            .with_virtual_hosted_style_request(options.is_virtual_hosted)
            .build()
            .map_err(|error| misconfigured(error.to_string()))?;
        let prefix = Path::parse(prefix).map_err(|error| misconfigured(error.to_string()))?;
        Ok(Objects::over(place, Arc::new(store), prefix))
    }
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("ca", &self.ca)
            .field("is_virtual_hosted", &self.is_virtual_hosted)
            .finish_non_exhaustive()
    }
}
