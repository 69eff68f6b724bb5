//! Answers on their way: what a request holds is held until its answer is sent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

/// Lets an answer that is in memory whole hold `share` until its bytes are gone: the last one is in the socket's buffer, or the
/// connection is closed. A stream holds nothing: it has one piece in memory, and limits of its own.
#[must_use = "the share is held by the answer that comes back"]
pub fn hold_until_sent<S: Send + Sync + 'static>(answer: Response, share: S) -> Response {
    if answer.body().size_hint().exact().is_none() {
        return answer;
    }
    answer.map(|body| Body::new(Holding { body, share: Arc::new(share) }))
}

/// A body, and what it holds.
struct Holding<S> {
    body: Body,
    share: Arc<S>,
}

/// Bytes of such a body: HTTP drops a body before its last bytes are written.
struct Held<S> {
    bytes: Bytes,
    _share: Arc<S>,
}

impl<S> AsRef<[u8]> for Held<S> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<S: Send + Sync + 'static> http_body::Body for Holding<S> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let held = |bytes| Bytes::from_owner(Held { bytes, _share: Arc::clone(&this.share) });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(held))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::response::IntoResponse as _;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn an_answer_holds_its_share_until_its_bytes_are_gone() {
        let share = Arc::new(());
        let answer = hold_until_sent("whole".into_response(), Arc::clone(&share));
        assert_eq!(answer.body().size_hint().exact(), Some(5), "it is sent with its length");
        let bytes = to_bytes(answer.into_body(), 9).await.unwrap();
        let tail = bytes.slice(4..);
        drop(bytes);
        assert_eq!((&*tail, Arc::strong_count(&share)), (&b"e"[..], 2));
        drop(tail);
        assert_eq!(Arc::strong_count(&share), 1);

        let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let _feed = hold_until_sent(Response::new(endless), Arc::clone(&share));
        assert_eq!(Arc::strong_count(&share), 1, "a stream has limits of its own");
    }
}
