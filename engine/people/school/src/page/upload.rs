//! A list as it comes from a form: into memory that has no name and ends with the job.

use std::fs::File;
use std::io::Write as _;

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use http::StatusCode;
use rustix::fs::{MemfdFlags, memfd_create};

/// Longest list, bytes.
const LIST_BYTES_MAX: usize = 16 << 20;

/// Longest form that is read to its end: browsers show an answer only when they could send everything.
pub(super) const BODY_BYTES_MAX: usize = 64 << 20;

/// What came.
pub(super) enum Uploaded {
    /// A list.
    List(File),
    /// No file was chosen, or an empty one.
    Nothing,
    /// Too much.
    Large,
    /// The connection broke off, or it is no form.
    Broken,
}

impl<S: Send + Sync> FromRequest<S> for Uploaded {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Uploaded, Self::Rejection> {
        let Ok(mut form) = Multipart::from_request(request, state).await else { return Ok(Uploaded::Broken) };
        Ok(taken(&mut form).await.unwrap_or_else(|fault| fault))
    }
}

/// The list, which is the only file of the form.
async fn taken(form: &mut Multipart) -> Result<Uploaded, Uploaded> {
    while let Some(mut field) = form.next_field().await.map_err(|error| of(&error))? {
        if field.name() != Some("list") {
            continue;
        }
        // Not a file of the disk: id numbers stay in memory, and nothing is left when the process ends.
        let memory = memfd_create("list", MemfdFlags::CLOEXEC).map_err(|_| Uploaded::Broken)?;
        let (mut file, mut bytes) = (File::from(memory), 0);
        while let Some(chunk) = field.chunk().await.map_err(|error| of(&error))? {
            bytes += chunk.len();
            if bytes <= LIST_BYTES_MAX {
                file.write_all(&chunk).map_err(|_| Uploaded::Broken)?;
            }
        }
        return Ok(match bytes {
            0 => Uploaded::Nothing,
            1..=LIST_BYTES_MAX => Uploaded::List(file),
            _ => Uploaded::Large,
        });
    }
    Ok(Uploaded::Nothing)
}

fn of(error: &MultipartError) -> Uploaded {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE { Uploaded::Large } else { Uploaded::Broken }
}
