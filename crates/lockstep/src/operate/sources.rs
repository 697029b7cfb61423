//! Prices from elsewhere: asked for again and again, or told as they come.
//!
//! Each source has a thread of its own, which begins anew after whatever goes wrong; until then
//! its last price grows old and is not reported any more. Invariants: what is read has a limit of
//! size and time; a source that is silent or talks nonsense holds nothing up. Deliberately absent:
//! keys of providers, and TLS unless the binary was built with the feature `tls`.

use super::feeder::{Quote, Source, price_of};
use crate::devnet::now;
use crate::failure::Failure;
use lockstep_types::units::{Price, TimeMs};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::Duration;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// Bytes of an answer or message at most.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// How long an answer, a connection or the next message may take.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Pause before a connection is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The latest price that a thread has found.
#[derive(Clone, Default)]
pub struct Latest(Arc<Mutex<Option<Quote>>>);

impl Latest {
    fn set(&self, price: Price) {
        let quote = Quote { price, published: now() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(quote);
    }
}

impl Source for Latest {
    fn quote(&self, _: TimeMs) -> Option<Quote> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a price is: at an address, and there at a place in JSON (RFC 6901).
#[derive(Clone, Debug)]
pub struct Place {
    /// The address.
    pub url: String,
    /// The place, such as `/data/0/price`; a number or a text there.
    pub pointer: String,
}

/// The price at a place in JSON.
pub fn price_at(json: &[u8], pointer: &str) -> Result<Price, String> {
    let value: serde_json::Value =
        serde_json::from_slice(json).map_err(|error| error.to_string())?;
    match value.pointer(pointer) {
        Some(serde_json::Value::String(text)) => price_of(text),
        Some(serde_json::Value::Number(number)) => price_of(&number.to_string()),
        Some(_) => Err(format!("{pointer} is neither number nor text")),
        None => Err(format!("nothing is at {pointer}")),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let spawned = thread::Builder::new().name(name.to_string()).spawn(work);
    spawned.map(drop).map_err(|error| Failure::Broken(format!("a thread for prices: {error}")))
}

fn check_scheme(url: &str, plain: &str, secure: &str) -> Result<(), String> {
    if url.starts_with(plain) || (cfg!(feature = "tls") && url.starts_with(secure)) {
        return Ok(());
    }
    if url.starts_with(secure) {
        return Err(format!("{secure} needs a binary that was built with the feature tls"));
    }
    Err(format!("begins with neither {plain} nor {secure}"))
}

/// A source that asks every `interval`.
pub fn poll(place: Place, interval: Duration) -> Result<Latest, Failure> {
    let wrong = |why| Failure::Broken(format!("feed source {}: {why}", place.url));
    check_scheme(&place.url, "http://", "https://").map_err(wrong)?;
    let latest = Latest::default();
    let found = latest.clone();
    let config = ureq::Agent::config_builder().timeout_global(Some(SILENCE_MAX)).build();
    let agent: ureq::Agent = config.into();
    spawn("price-poll", move || {
        loop {
            if let Ok(price) = ask(&agent, &place) {
                found.set(price);
            }
            sleep(interval);
        }
    })?;
    Ok(latest)
}

fn ask(agent: &ureq::Agent, place: &Place) -> Result<Price, String> {
    let mut answer = agent.get(&place.url).call().map_err(|error| error.to_string())?;
    let limit = u64::try_from(MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
    let body = answer.body_mut().with_config().limit(limit).read_to_vec();
    price_at(&body.map_err(|error| error.to_string())?, &place.pointer)
}

/// A source that is told, after it has said `subscribe`.
pub fn listen(place: Place, subscribe: Option<String>) -> Result<Latest, Failure> {
    let wrong = |why| Failure::Broken(format!("feed source {}: {why}", place.url));
    check_scheme(&place.url, "ws://", "wss://").map_err(wrong)?;
    let latest = Latest::default();
    let found = latest.clone();
    spawn("price-listen", move || {
        loop {
            // Whatever ended it: once more after a pause.
            let _ = connect(&place, subscribe.as_deref(), &found);
            sleep(PAUSE);
        }
    })?;
    Ok(latest)
}

fn connect(place: &Place, subscribe: Option<&str>, found: &Latest) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let request = place.url.as_str().into_client_request().map_err(|error| said(&error))?;
    let uri = request.uri();
    let host = uri.host().ok_or("no host")?;
    let port = uri.port_u16().unwrap_or(if place.url.starts_with("wss") { 443 } else { 80 });
    // Addresses of the sixth version come in brackets.
    let name = host.trim_matches(['[', ']']);
    let mut addresses = (name, port).to_socket_addrs().map_err(|error| said(&error))?;
    let address = addresses.next().ok_or("no such host")?;
    let stream = TcpStream::connect_timeout(&address, SILENCE_MAX).map_err(|error| said(&error))?;
    stream.set_read_timeout(Some(SILENCE_MAX)).map_err(|error| said(&error))?;
    stream.set_write_timeout(Some(SILENCE_MAX)).map_err(|error| said(&error))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    #[cfg(feature = "tls")]
    let opened = tungstenite::client_tls_with_config(request, stream, Some(config), None);
    #[cfg(not(feature = "tls"))]
    let opened = tungstenite::client::client_with_config(request, stream, Some(config));
    let (socket, _) = opened.map_err(|error| said(&error))?;
    hear(socket, place, subscribe, found)
}

fn hear<S: Read + Write>(
    mut socket: WebSocket<S>,
    place: &Place,
    subscribe: Option<&str>,
    found: &Latest,
) -> Result<(), String> {
    if let Some(text) = subscribe {
        socket.send(Message::text(text)).map_err(|error| error.to_string())?;
    }
    loop {
        let message = socket.read().map_err(|error| error.to_string())?;
        // Greetings and answers to the subscription have no price.
        if (message.is_text() || message.is_binary())
            && let Ok(price) = price_at(&message.into_data(), &place.pointer)
        {
            found.set(price);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufRead as _;
    use std::net::TcpListener;

    const JSON: &str = r#"{"data":[{"price":"61250.5","size":3}],"n":-1,"last":4000.25}"#;

    #[test]
    fn prices_are_found_in_texts_and_numbers_and_nowhere_else() {
        let at = |pointer: &str| price_at(JSON.as_bytes(), pointer);
        assert_eq!(at("/data/0/price"), Ok(Price(61_250_500_000)));
        assert_eq!(at("/last"), Ok(Price(4_000_250_000)));
        for pointer in ["/data", "/data/1/price", "/n", "", "price"] {
            assert!(at(pointer).is_err(), "{pointer}");
        }
        assert!(price_at(b"{", "/last").is_err());
    }

    #[test]
    fn addresses_without_a_way_to_them_are_refused() {
        let place = |url: &str| Place { url: url.to_string(), pointer: String::new() };
        assert!(poll(place("ftp://x"), PAUSE).is_err());
        assert!(listen(place("http://x"), None).is_err());
        let secure = poll(place("https://127.0.0.1:1"), PAUSE);
        assert_eq!(secure.is_ok(), cfg!(feature = "tls"));
    }

    /// Waits until a source knows a price.
    fn wait(latest: &Latest) -> Price {
        for _ in 0..500 {
            if let Some(quote) = latest.quote(TimeMs(0)) {
                return quote.price;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("no price came");
    }

    #[test]
    fn a_price_is_asked_for_again_after_the_server_failed() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/price", server.local_addr().unwrap());
        let place = Place { url, pointer: "/last".to_string() };
        let latest = poll(place, Duration::from_millis(10)).unwrap();
        for turn in 0..2 {
            let (mut stream, _) = server.accept().unwrap();
            let mut lines = std::io::BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().unwrap().is_ok_and(|line| !line.is_empty()) {}
            let (code, body) = if turn == 0 { ("500 No", "{}") } else { ("200 OK", JSON) };
            let length = body.len();
            let head = format!("HTTP/1.1 {code}\r\nContent-Length: {length}\r\nConnection: close");
            write!(stream, "{head}\r\n\r\n{body}").unwrap();
        }
        assert_eq!(wait(&latest), Price(4_000_250_000));
    }

    #[test]
    fn a_price_is_heard_after_the_subscription() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", server.local_addr().unwrap());
        let place = Place { url, pointer: "/data/0/price".to_string() };
        let latest = listen(place, Some("tell me".to_string())).unwrap();
        let (stream, _) = server.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("tell me"));
        socket.send(Message::text(r#"{"subscribed":true}"#)).unwrap();
        socket.send(Message::text(JSON)).unwrap();
        assert_eq!(wait(&latest), Price(61_250_500_000));
    }
}
