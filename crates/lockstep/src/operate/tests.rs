//! Parts of an operator's commands that need no network.

use super::config::{NodeConfig, SourceConfig, TestPrices};
use super::feeder::{Quote, Recorded, Source as _, median, price_of};
use lockstep_types::units::{Price, TimeMs};
use std::path::Path;

const SINCE: TimeMs = TimeMs(1_767_603_600_000);

fn config(extra: &str) -> Result<NodeConfig, String> {
    let text =
        format!("genesis = \"g\"\nkey = \"/k\"\ndata = \"d\"\nlisten = \"127.0.0.1:1\"\n{extra}");
    NodeConfig::parse(&text, Path::new("folder"))
}

#[test]
fn a_configuration_reads_with_paths_beside_it_and_defaults() {
    let key = "0f".repeat(32);
    let peers = format!("[[peers]]\nkey = \"{key}\"\naddress = \"127.0.0.1:2\"\n");
    let config =
        config(&format!("{peers}[[feed.sources]]\nkind = \"test\"\nprices = \"walk\"")).unwrap();
    assert_eq!(config.genesis, Path::new("folder/g"));
    assert_eq!(config.key, Path::new("/k"), "a whole path stays");
    assert_eq!((config.rpc, config.threads, config.feed.interval_ms), (None, 2, 500));
    assert_eq!(config.feed.sources, [SourceConfig::Test { prices: TestPrices::Walk }]);
    let other = ([15; 32], "127.0.0.1:2".parse().unwrap());
    assert_eq!(config.others(&[0; 32]).unwrap(), [other]);
    assert_eq!(config.others(&[15; 32]).unwrap(), [], "this node is no peer of its own");
}

#[test]
fn what_is_wrong_with_a_configuration_is_named() {
    for (extra, field) in [
        ("", "peers"),
        ("peers = []\nlisten_to = 1", "listen_to"),
        ("peers = []\nthreads = 0", "threads: from 1 to"),
        ("peers = []\nrpc = \"here\"", "rpc"),
        ("peers = []\n[feed]\ninterval_ms = 1", "feed.interval_ms: from"),
        ("peers = []\n[feed]\nage_ms_max = 0", "feed.age_ms_max"),
        ("peers = []\n[blocks]\nheartbeat_ms = 1000", "blocks.heartbeat_ms: from"),
        ("peers = []\n[blocks]\ninterval_ms_min = 150", "blocks.interval_ms_min: from"),
        ("peers = []\n[blocks]\nkept = 0", "blocks.kept"),
        ("peers = []\n[[feed.sources]]\nkind = \"dream\"", "dream"),
        (
            "peers = []\n[[feed.sources]]\nkind = \"http\"\nunderlying = \"BTC\"\nurl = \"\"\n\
             pointer = \"\"\ninterval_ms = 1",
            "feed.sources[0].interval_ms",
        ),
        ("peers = []\n[[feed.sources]]\nkind = \"websocket\"", "underlying"),
    ] {
        let error = config(extra).unwrap_err();
        assert!(error.contains(field), "{extra}: {error}");
    }
    for (key, address, field) in
        [("0f", "127.0.0.1:1", "peers[0].key"), (&"0f".repeat(32), "nowhere", "peers[0].address")]
    {
        let peers = format!("[[peers]]\nkey = \"{key}\"\naddress = \"{address}\"");
        let error = config(&peers).unwrap().others(&[0; 32]).unwrap_err();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn prices_are_cut_at_a_millionth_and_nothing_else_is_forgiven() {
    assert_eq!(price_of("61250.5"), Ok(Price(61_250_500_000)));
    assert_eq!(price_of("0.12345678"), Ok(Price(123_456)));
    for text in ["", "0", "-1", "1e5", "1.2345678x", "1.2.3", "x", "1."] {
        assert!(price_of(text).is_err(), "{text}");
    }
}

#[test]
fn the_median_is_in_the_middle_and_as_old_as_what_made_it() {
    let quote =
        |price: i64, published: i64| Quote { price: Price(price), published: TimeMs(published) };
    assert_eq!(median(vec![]), None);
    assert_eq!(median(vec![quote(5, 1)]), Some(quote(5, 1)));
    assert_eq!(median(vec![quote(9, 3), quote(5, 1)]), Some(quote(7, 1)));
    assert_eq!(median(vec![quote(900, 3), quote(5, 1), quote(6, 2)]), Some(quote(6, 2)));
}

#[test]
fn a_recorded_series_is_played_again_and_again() {
    let series = Recorded::parse("10,100\n12,200\n13,50.5\n", SINCE).unwrap();
    let at = |ms: i64| series.quote(TimeMs(SINCE.0 + ms)).unwrap().price.0;
    let seconds = [0, 999, 1_000, 2_000, 3_000, 3_999, 4_000, 6_000];
    let expected = [100, 100, 100, 200, 50, 50, 100, 200];
    for (ms, expected) in seconds.into_iter().zip(expected) {
        assert_eq!(at(ms) / 1_000_000, expected, "after {ms} ms");
    }
    assert_eq!(at(-1_000) / 1_000_000, 50, "before it began");
    for (text, line) in [
        ("", "line 1"),
        ("1,2\n1,3", "line 2"),
        ("x,2", "line 1: seconds"),
        ("1,y", "line 1: price"),
        ("1", "line 1"),
        ("-1,2", "line 1"),
    ] {
        let error = Recorded::parse(text, SINCE).err().unwrap();
        assert!(error.contains(line), "{text}: {error}");
    }
}
