//! Where snapshots are kept, as an operator writes it.

use std::path::PathBuf;
use std::str::FromStr;

use crate::fault::Misconfigured;

/// A folder, or a bucket with a prefix. Written `drop/310000`, `file:drop/310000`, `file:///var/lib/hufu/drop` or
/// `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine, perhaps mounted from another.
    Folder(PathBuf),
    /// An S3-compatible object store.
    S3 {
        /// The bucket.
        bucket: String,
        /// What every name begins with, perhaps nothing.
        prefix: String,
    },
}

impl FromStr for Place {
    type Err = Misconfigured;

    fn from_str(place: &str) -> Result<Place, Misconfigured> {
        let misconfigured = |what: &str| Misconfigured { place: place.to_owned(), what: what.to_owned() };
        if let Some(rest) = place.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(misconfigured("name a bucket: s3://BUCKET/PREFIX"));
            }
            return Ok(Place::S3 { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() });
        }
        let folder = match place.strip_prefix("file:") {
            Some(url) => match url.strip_prefix("//") {
                Some(path) if !path.starts_with('/') => {
                    return Err(misconfigured("a file URL names no host: write file:///PATH"));
                }
                Some(path) => path,
                None => url,
            },
            None if place.contains("://") => {
                return Err(misconfigured("write a folder's path, file:///PATH or s3://BUCKET/PREFIX"));
            }
            None => place,
        };
        if folder.is_empty() {
            return Err(misconfigured("name a folder"));
        }
        Ok(Place::Folder(folder.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let folder = |path: &str| Some(Place::Folder(path.into()));
        let s3 =
            |bucket: &str, prefix: &str| Some(Place::S3 { bucket: bucket.into(), prefix: prefix.into() });
        let cases = [
            ("drop/310000", folder("drop/310000")),
            ("file:drop/310000", folder("drop/310000")),
            ("file:/var/drop", folder("/var/drop")),
            ("file:///var/drop", folder("/var/drop")),
            ("s3://hufu", s3("hufu", "")),
            ("s3://hufu/snapshots/310000/", s3("hufu", "snapshots/310000")),
            ("s3:///prefix", None),
            ("file://host/var/drop", None),
            ("https://host/bucket", None),
            ("", None),
        ];
        for (written, expected) in cases {
            assert_eq!(written.parse().ok(), expected, "{written}");
        }
    }
}
