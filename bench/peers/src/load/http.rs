//! Keep-alive HTTP/1.1 connections, one request under way on each, driven by one spinning thread.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use hufu_fixtures::golden::names;
use hufu_fixtures::{Expected, sites};
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use serde::Deserialize;

use super::codes::Codes;
use super::pace::{Clock, Pace};
use super::sample::Sample;
use crate::moment;

/// Open connections to one peer.
pub struct Http {
    connections: Vec<Connection>,
    poll: OwnedFd,
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    filled: usize,
    asked: Option<Asked>,
}

/// The request that is under way.
#[derive(Clone, Copy)]
struct Asked {
    due_ns: u64,
    expected: Expected,
}

/// What of an answer is checked.
#[derive(Deserialize)]
struct Answer<'a> {
    decision: &'a str,
    reason: &'a str,
}

/// Room for one answer; a peer's has about 300 bytes.
const ANSWER_BYTES_MAX: usize = 4096;
/// How long after its end a round waits for the last answers.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

impl Http {
    /// Opens `connections` connections.
    ///
    /// # Errors
    /// When the peer does not take them.
    pub fn connect(peer: SocketAddr, connections: usize) -> anyhow::Result<Http> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut opened = Vec::with_capacity(connections);
        for index in 0..connections {
            let stream = TcpStream::connect(peer).with_context(|| format!("no connection to {peer}"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll::add(&poll, &stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
            opened.push(Connection {
                stream,
                request: Vec::with_capacity(1024),
                answer: vec![0; ANSWER_BYTES_MAX],
                filled: 0,
                asked: None,
            });
        }
        Ok(Http { connections: opened, poll })
    }

    /// Asks for `round`, then waits for what is under way. The server's CPU time is not measured here.
    ///
    /// # Errors
    /// When a connection breaks or a peer answers with anything but a verdict.
    pub fn round(&mut self, codes: &mut Codes, pace: Pace, round: Duration) -> anyhow::Result<Sample> {
        let mut sample = Sample::default();
        let mut clock = Clock::start(pace, round);
        let mut idle: Vec<usize> = (0..self.connections.len()).collect();
        let mut events = Vec::with_capacity(self.connections.len());
        let mut last_answer_ns = 0;
        loop {
            let now_ns = clock.now_ns();
            let due_ns = clock.due_ns(now_ns);
            if let Some(due_ns) = due_ns.filter(|&due_ns| due_ns <= now_ns)
                && let Some(connection) = idle.pop()
            {
                let (code, expected) = codes.next(moment::now());
                self.connections[connection].ask(code, Asked { due_ns, expected })?;
                clock.given();
                // As long as connections are idle and checks are due, answers can wait.
                if !idle.is_empty() && pace == Pace::Saturation {
                    continue;
                }
            }
            let under_way = self.connections.len() - idle.len();
            if due_ns.is_none() && under_way == 0 {
                break;
            }
            if u128::from(now_ns) > (round + ANSWERS_WITHIN).as_nanos() {
                bail!("{under_way} requests were not answered within {ANSWERS_WITHIN:?}");
            }
            events.clear();
            // Never sleeps: waking up would count as the server's latency.
            epoll::wait(
                &self.poll,
                rustix::buffer::spare_capacity(&mut events),
                Some(&Timespec { tv_sec: 0, tv_nsec: 0 }),
            )?;
            for event in &events {
                let index = usize::try_from(event.data.u64())?;
                let Some((asked, right)) = self.connections[index].read_answer()? else { continue };
                last_answer_ns = clock.now_ns();
                sample.answered += 1;
                sample.wrong += u64::from(!right);
                sample.latencies_ns.push(last_answer_ns.saturating_sub(asked.due_ns));
                idle.push(index);
            }
        }
        sample.seconds = Duration::from_nanos(last_answer_ns).as_secs_f64();
        Ok(sample)
    }
}

impl Connection {
    fn ask(&mut self, code: &[u8], asked: Asked) -> anyhow::Result<()> {
        let code = str::from_utf8(code).context("a code's text is ASCII")?;
        // Base45 has neither quotes nor backslashes, so the text is its own JSON.
        let site = sites::MARKET.id;
        let body_bytes = "{\"site\":,\"code\":\"\"}".len() + site.to_string().len() + code.len();
        self.request.clear();
        write!(
            self.request,
            "POST /check HTTP/1.1\r\nhost: peer\r\ncontent-type: application/json\r\n\
             content-length: {body_bytes}\r\n\r\n{{\"site\":{site},\"code\":\"{code}\"}}"
        )?;
        // A request is far smaller than an idle connection's send buffer: it is taken whole.
        self.stream.write_all(&self.request).context("a peer takes no request")?;
        self.asked = Some(asked);
        self.filled = 0;
        Ok(())
    }

    /// Reads what has come. Once the answer is whole: what was asked, and whether the answer is right.
    fn read_answer(&mut self) -> anyhow::Result<Option<(Asked, bool)>> {
        match self.stream.read(&mut self.answer[self.filled..]) {
            Ok(0) => bail!("a peer closed a connection, or its answer is too long"),
            Ok(bytes) => self.filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context("a peer's answer"),
        }
        let Some(body) = body_of(&self.answer[..self.filled])? else { return Ok(None) };
        let asked = self.asked.take().context("an answer to nothing")?;
        let answer: Answer<'_> = serde_json::from_slice(body).context("a peer's answer is not a verdict")?;
        let Expected { decision, reason } = asked.expected;
        let right = (answer.decision, answer.reason) == (names::decision(decision), reason.slug());
        Ok(Some((asked, right)))
    }
}

/// The body of a response, `None` while it is incomplete.
fn body_of(response: &[u8]) -> anyhow::Result<Option<&[u8]>> {
    let Some(head_bytes) = response.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, body) = (str::from_utf8(&response[..head_bytes])?, &response[head_bytes + 4..]);
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.starts_with("HTTP/1.1 200"), "a peer answers {status:?}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    Ok(body.get(..length.context("a peer's answer has no length")??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_whole_when_its_length_has_come() {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
        for cut in 0..response.len() {
            assert_eq!(body_of(&response[..cut]).unwrap(), None, "{cut} bytes");
        }
        assert_eq!(body_of(response).unwrap(), Some(&b"body"[..]));
    }

    #[test]
    fn anything_but_success_is_an_error() {
        assert!(body_of(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(body_of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
