//! Records as they are written, for consoles and alarms.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::common::{Deployment, PATIENCE, free_address};
use crate::{FOLDERS, lines};

/// A deployment whose engine lets readers with a token read records as they are written.
fn with_readers() -> (Deployment, String, String) {
    let deployment = Deployment::new();
    deployment.keep_records();
    deployment.issue("42");
    let address = free_address();
    deployment.run("records secret --out events.token");
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let config = config.replace("metrics = \"\"", &format!("metrics = \"{address}\""));
    deployment.write("engine.toml", &format!("{config}events = 'events.token'\n"));
    let token = fs::read_to_string(deployment.path("events.token")).unwrap();
    (deployment, address, token)
}

/// Asks for events: the status, and what follows the headers.
fn ask(address: &str, method: &str, authorization: &str) -> (u16, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{method} /records/events HTTP/1.1\r\nHost: engine\r\n{authorization}\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    (status, reader)
}

/// The record of the next event; lengths of chunks and empty lines stand between.
fn next(reader: &mut BufReader<TcpStream>) -> Value {
    let mut line = String::new();
    while !line.starts_with("data: ") {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the events have ended");
    }
    serde_json::from_str(&line["data: ".len()..]).unwrap()
}

#[test]
fn records_are_heard_as_they_are_written_by_who_has_the_token() {
    let (deployment, address, token) = with_readers();
    let engine = deployment.serve();
    for authorization in ["", "Authorization: Bearer 00\r\n", &format!("Authorization: Basic {token}\r\n")] {
        assert_eq!(ask(&address, "GET", authorization).0, 401, "{authorization}");
    }
    let authorization = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(ask(&address, "POST", &authorization).0, 405);
    let (status, mut reader) = ask(&address, "GET", &authorization);
    assert_eq!(status, 200);
    assert_eq!(deployment.check("42").1, Some(0));
    let heard = next(&mut reader);
    assert_eq!((&heard["record"], &heard["reason"]), (&0.into(), &"clear".into()), "{heard}");

    // There are only so many places; who goes leaves one, which is noticed once something is written.
    let others: Vec<_> = (0..7).map(|_| ask(&address, "GET", &authorization)).collect();
    assert!(others.iter().all(|(status, _)| *status == 200));
    assert_eq!(ask(&address, "GET", &authorization).0, 503);

    let of_day = format!("{FOLDERS} --day {} --because test --json", deployment.day());
    let listed = lines(&deployment.run(&format!("records list {of_day}")));
    for (key, value) in heard.as_object().unwrap() {
        assert_eq!(&listed[0][key], value, "{key} differs from the record");
    }
    assert!(heard.get("slip").is_none() && !heard.to_string().contains("tag"), "{heard}");
    engine.signal("-TERM");
    assert_eq!(engine.ended(), Some(0), "readers do not keep an engine from its end");
}
