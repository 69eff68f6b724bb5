use super::*;
use std::io::{Read as _, Write as _};

/// An echo of datagrams behind a line, and a socket in front of it.
fn echo(network: &Network) -> (Line, std::net::UdpSocket) {
    let server = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let free = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let line = network.datagrams(&[free], &[server.local_addr().unwrap()], 1).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 16];
        while let Ok((bytes, from)) = server.recv_from(&mut buffer) {
            if bytes == 0 || server.send_to(&buffer[..bytes], from).is_err() {
                return;
            }
        }
    });
    let gate = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    gate.connect(line.address()).unwrap();
    gate.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    (line, gate)
}

fn asked(gate: &std::net::UdpSocket, number: u8) -> Option<u8> {
    gate.send(&[number]).unwrap();
    let mut answer = [0];
    gate.recv(&mut answer).ok().map(|_| answer[0])
}

#[test]
fn datagrams_pass_are_lost_doubled_and_late_as_the_weather_says() {
    let network = Network::new().unwrap();
    let (line, gate) = echo(&network);
    let fair = Weather::default();
    assert_eq!(asked(&gate, 1), Some(1));
    line.set(fair, Weather { is_cut: true, ..fair });
    assert_eq!(asked(&gate, 2), None);
    assert_eq!(line.befallen(), Befallen { pieces: 4, lost: 1, ..Befallen::default() });
    line.set(Weather { doubled: 255, late_ms: 20, ..fair }, fair);
    let begun = std::time::Instant::now();
    assert_eq!(asked(&gate, 3), Some(3));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    line.set(Weather { lost: 255, ..fair }, fair);
    let before = line.befallen().lost;
    for number in 4..8 {
        gate.send(&[number]).unwrap();
    }
    let begun = std::time::Instant::now();
    while line.befallen().lost < before + 3 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", line.befallen());
        thread::sleep(Duration::from_millis(1));
    }
    assert!(line.befallen().late >= 1);
}

#[test]
fn a_stream_waits_at_a_cut_and_ends_where_it_is_torn() {
    let network = Network::new().unwrap();
    let server = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let line = network.streams(server.local_addr().unwrap(), 1).unwrap();
    let mut near = std::net::TcpStream::connect(line.address()).unwrap();
    let mut far = server.accept().unwrap().0;
    let mut byte = [0];
    near.write_all(&[1]).unwrap();
    far.read_exact(&mut byte).unwrap();
    let fair = Weather::default();
    line.set(Weather { is_cut: true, ..fair }, fair);
    near.write_all(&[2]).unwrap();
    far.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(far.read(&mut byte).is_err(), "it came through a cut");
    far.write_all(&[3]).unwrap();
    near.read_exact(&mut byte).unwrap();
    assert_eq!(byte, [3], "the other direction is open");
    line.set(fair, fair);
    far.set_read_timeout(None).unwrap();
    far.read_exact(&mut byte).unwrap();
    assert_eq!(byte, [2], "nothing of a stream is lost");
    line.tear();
    assert_eq!(near.read(&mut byte).unwrap_or(0), 0);
}
