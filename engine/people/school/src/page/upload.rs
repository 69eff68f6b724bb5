//! A list as it comes from a form: into memory that has no name and ends with the job.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use http::StatusCode;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::school::Schools;

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
    /// Others are sending theirs: it was not kept.
    Many,
    /// The connection broke off, or it is no form.
    Broken,
}

impl FromRequest<Arc<Schools>> for Uploaded {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, schools: &Arc<Schools>) -> Result<Uploaded, Self::Rejection> {
        let Ok(mut form) = Multipart::from_request(request, schools).await else {
            return Ok(Uploaded::Broken);
        };
        // None when too many are under way: the form is read to its end all the same, and nothing of it is kept.
        let permit = schools.uploads.try_acquire().ok();
        Ok(taken(&mut form, permit.is_some()).await.unwrap_or_else(|fault| fault))
    }
}

/// The list, which is the only file of the form.
async fn taken(form: &mut Multipart, is_kept: bool) -> Result<Uploaded, Uploaded> {
    while let Some(mut field) = form.next_field().await.map_err(|error| of(&error))? {
        if field.name() != Some("list") {
            continue;
        }
        // Not a file of the disk: id numbers stay in memory, and nothing is left when the process ends.
        let memory = memfd_create("list", MemfdFlags::CLOEXEC).map_err(|_| Uploaded::Broken)?;
        let (mut file, mut bytes) = (File::from(memory), 0);
        while let Some(chunk) = field.chunk().await.map_err(|error| of(&error))? {
            bytes += chunk.len();
            if is_kept && bytes <= LIST_BYTES_MAX {
                file.write_all(&chunk).map_err(|_| Uploaded::Broken)?;
            }
        }
        return Ok(match bytes {
            _ if !is_kept => Uploaded::Many,
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::school::UPLOADS_MAX;

    #[tokio::test]
    async fn r61_lists_are_counted_before_they_are_taken_in() {
        let schools = Schools::open(&[]).unwrap();
        let sent = async || {
            let form = "--x\r\ncontent-disposition: form-data; name=\"list\"; filename=\"a.csv\"\r\n\r\na\r\n--x--\r\n";
            let request = Request::post("/school").header(CONTENT_TYPE, "multipart/form-data; boundary=x");
            Uploaded::from_request(request.body(Body::from(form)).unwrap(), &schools).await.unwrap()
        };
        let others: Vec<_> = (1..UPLOADS_MAX).map(|_| schools.uploads.try_acquire().unwrap()).collect();
        assert!(matches!(sent().await, Uploaded::List(_)));
        let last = schools.uploads.try_acquire().unwrap();
        assert!(matches!(sent().await, Uploaded::Many));
        drop((others, last));
        assert!(matches!(sent().await, Uploaded::List(_)), "each gives its permit back");
    }
}
