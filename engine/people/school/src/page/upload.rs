//! A list as it comes from a form: into memory that has no name and ends with the job.

use std::fs::File;
use std::io::Write as _;

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request};
use http::StatusCode;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::school::School;

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
    /// The school, or others, are sending lists for too long: it was not kept.
    Many,
    /// The connection broke off, or it is no form.
    Broken,
}

impl Uploaded {
    /// What a form of this school brings.
    pub(super) async fn read(request: Request, school: &School) -> Uploaded {
        let Ok(mut form) = Multipart::from_request(request, &()).await else { return Uploaded::Broken };
        // None when too many are under way: the form is read to its end all the same, and nothing of it is kept.
        let place = school.uploads.take().await;
        taken(&mut form, place.is_some()).await.unwrap_or_else(|fault| fault)
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
    use std::time::Duration;

    use axum::body::Body;
    use http::header::CONTENT_TYPE;
    use hufu_wire::SiteId;

    use super::*;
    use crate::config::SchoolConfig;
    use crate::school::{Schools, Shared, UPLOADS_MAX};

    #[tokio::test]
    async fn r61_lists_are_counted_before_they_are_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let config = |site| SchoolConfig::of_a_test(site, "http://127.0.0.1:1", folder.path());
        let configs = [1, 2, 3, 4, 5].map(config);
        let schools = Schools::sharing(&configs, &Shared::waiting(Duration::ZERO)).unwrap();
        let school = |site| schools.of(SiteId(site)).unwrap();
        let sent = async |site| {
            let form = "--x\r\ncontent-disposition: form-data; name=\"list\"; filename=\"a.csv\"\r\n\r\na\r\n--x--\r\n";
            let request = Request::post("/school").header(CONTENT_TYPE, "multipart/form-data; boundary=x");
            Uploaded::read(request.body(Body::from(form)).unwrap(), school(site)).await
        };
        let mut held = vec![school(1).uploads.take().await.unwrap()];
        assert!(matches!(sent(1).await, Uploaded::Many), "one list of each school");
        assert!(matches!(sent(2).await, Uploaded::List(_)), "another school does not notice");
        for site in [2, 3, 4] {
            held.push(school(site).uploads.take().await.unwrap());
        }
        assert_eq!(held.len(), UPLOADS_MAX);
        assert!(matches!(sent(5).await, Uploaded::Many), "so many of all schools");
        drop(held);
        assert!(matches!(sent(1).await, Uploaded::List(_)), "each gives its place back");
    }
}
