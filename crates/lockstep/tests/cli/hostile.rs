//! Peers and clients that mean no good, over real sockets: nodes go on, and limit or cut them off.

use super::devnet::{Folder, free_ports};
use super::operate::{RPC_PORT_OFFSET, Running, agreed};
use super::succeeds;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

/// Longer than any limit of a node; only a connection that is never closed takes so long.
const HANG: Duration = Duration::from_secs(100);
/// Connections to a node at a time, as docs/protocol.md says.
const CONNECTIONS_MAX: usize = 128;

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream.set_write_timeout(Some(HANG)).unwrap();
    stream
}

/// Whatever comes until the other end closes, which it must.
fn until_closed(mut stream: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) => {
            let is_closed =
                matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
            assert!(is_closed, "the connection stays open: {error}");
        }
    }
    heard
}

/// The answer to a request after which the node closes the connection.
fn answer(port: u16, request: &str) -> String {
    let mut stream = connect(port);
    // The node may have refused it before the last byte.
    let _ = stream.write_all(request.as_bytes());
    String::from_utf8_lossy(&until_closed(stream)).into_owned()
}

/// A column of each row of the closing table.
fn column(text: &str, heading: &str) -> Vec<u64> {
    let table = text.split("Validators").last().unwrap();
    // The note above the table speaks of heights too.
    let head = table.lines().find(|line| line.contains("skipped views")).unwrap();
    let end = head.find(heading).unwrap() + heading.len();
    let cell = |line: &str| -> Option<u64> {
        let words = line.get(..end)?.split_whitespace().collect::<Vec<_>>();
        words.first()?.parse::<u64>().ok()?;
        words.last()?.parse().ok()
    };
    table.lines().filter_map(cell).collect()
}

#[test]
fn a_validator_that_floods_or_babbles_is_cut_off_by_all_and_the_others_go_on() {
    for malice in ["floods", "babbles"] {
        let folder = Folder::new(&format!("malice-{malice}"));
        let (data, port) = (folder.0.to_str().unwrap(), free_ports().to_string());
        let text = succeeds(&[
            "devnet", "--blocks", "60", "--data", data, "--port", &port, "--malice", malice,
        ]);
        assert_eq!(column(&text, "peers cut off"), [1, 1, 1], "{malice}: {text}");
    }
}

#[test]
fn strangers_at_the_validators_door_do_not_stop_them() {
    let folder = Folder::new("strangers");
    let (data, first) = (folder.0.to_str().unwrap(), free_ports());
    let over = AtomicBool::new(false);
    let is_over = &over;
    let text = scope(|scope| {
        for port in first..first + 4 {
            // One says nothing at all, one never stops, one hangs up in the middle.
            scope.spawn(move || {
                let mut silent = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let address = SocketAddr::from(([127, 0, 0, 1], port));
                    if let Ok(stream) = TcpStream::connect(address) {
                        silent.push(stream);
                    }
                    silent.truncate(64);
                    if let Ok(mut noisy) = TcpStream::connect(address) {
                        noisy.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
                        // It is cut off after some of it.
                        let _ = noisy.write_all(&vec![0xa5; 1 << 20]);
                    }
                    if let Ok(mut torn) = TcpStream::connect(address) {
                        let _ = torn.write_all(&[0, 0, 0, 96, 1, 2, 3]);
                    }
                    sleep(Duration::from_millis(20));
                }
            });
        }
        let port = first.to_string();
        let text = succeeds(&["devnet", "--blocks", "60", "--data", data, "--port", &port]);
        is_over.store(true, Ordering::Relaxed);
        text
    });
    assert_eq!(column(&text, "peers cut off"), [0; 4], "no validator was to blame: {text}");
    assert!(column(&text, "height").iter().all(|height| *height >= 50), "{text}");
}

#[test]
fn clients_beyond_the_limits_are_refused_or_cut_off_and_others_are_answered() {
    let folder = Folder::new("clients");
    let (out, port) = (folder.0.to_str().unwrap(), free_ports());
    let base = port.to_string();
    succeeds(&["testnet", "init", "--validators", "1", "--out", out, "--base-port", &base]);
    let _node = Running::start(&folder.0, 0);
    let rpc = port + RPC_PORT_OFFSET;
    let urls = [format!("http://127.0.0.1:{rpc}")];
    agreed(&urls, 3);

    let long = format!("GET /v1/status HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(64 << 10));
    let refused = answer(rpc, &long);
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431"), "{refused}");
    let body = "POST /v1/commands HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ";
    let much = answer(rpc, &format!("{body}1048577\r\n\r\n{}", "\0".repeat(1_048_577)));
    assert!(much.starts_with("HTTP/1.1 413") && much.contains("1048576"), "{much}");
    let torn = answer(rpc, &format!("{body}3\r\n\r\n\u{1}\0\0"));
    assert!(torn.starts_with("HTTP/1.1 400"), "{torn}");
    assert!(answer(rpc, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));

    // All places are taken by clients that say nothing, or half of something.
    let half = |place: usize| {
        let mut stream = connect(rpc);
        if place.is_multiple_of(2) {
            stream.write_all(b"GET /v1/status HT").unwrap();
        }
        stream
    };
    let slow: Vec<TcpStream> = (0..CONNECTIONS_MAX + 8).map(half).collect();
    agreed(&urls, 10);
    for stream in slow {
        let heard = String::from_utf8(until_closed(stream)).unwrap();
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 408"), "{heard}");
    }

    // Long answers are asked for and never read; there are few at a time.
    let asked = |_| {
        let mut stream = connect(rpc);
        for _ in 0..64 {
            // The node stops reading when it cannot write.
            let request = b"GET /v1/genesis HTTP/1.1\r\nhost: x\r\n\r\n\
                            GET /v1/blocks?from=1 HTTP/1.1\r\nhost: x\r\n\r\n";
            stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
            if stream.write_all(request).is_err() {
                break;
            }
        }
        stream
    };
    let deaf: Vec<TcpStream> = (0..16).map(asked).collect();
    let read =
        answer(rpc, "GET /v1/blocks?from=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(read.starts_with("HTTP/1.1 200") || read.starts_with("HTTP/1.1 503"), "{read}");
    agreed(&urls, 20);
    deaf.into_iter().for_each(|stream| drop(until_closed(stream)));
    let read =
        answer(rpc, "GET /v1/blocks?from=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(read.starts_with("HTTP/1.1 200"), "{read}");
}
