//! Outcomes, records and checks, without a network.

use super::check::{Kept, complaints};
use super::gamblers::Gamblers;
use super::outcomes::{Answer, Outcomes};
use super::record::{Acknowledged, Line, Outcome, Record, read};
use crate::devnet::Prices;
use crate::devnet::files::{Plan, TRADERS, make_genesis, trader};
use crate::devnet::traders::Traders;
use lockstep_client::{Author, hex};
use lockstep_ledger::{Block as Body, Genesis, Ledger};
use lockstep_node::signatures::CommandId;
use lockstep_types::chain::ChainCommand;
use lockstep_types::codec::Bounded;
use lockstep_types::command::Command;
use lockstep_types::envelope::{ChainId, SignedCommand, Signer};
use lockstep_types::ids::{AccountId, SignerId};
use lockstep_types::units::{SpanMs, TimeMs};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

/// Good until 1,000 ms after the beginning.
fn commands(count: usize) -> Vec<SignedCommand> {
    let signer = Signer::from_seed([7; 32]);
    let mut author = Author::new(signer, ChainId([1; 32]), SignerId(3), AccountId(5));
    let command = || Command::Chain(Box::new(ChainCommand::Unjail));
    (0..count).map(|_| author.sign(command(), TimeMs(0), SpanMs(1_000))).collect()
}

fn refused(code: &str, is_certain: bool) -> Answer {
    Answer::Refused { code: code.to_string(), is_certain }
}

fn of(outcomes: &mut Outcomes) -> Vec<Outcome> {
    outcomes.settled().into_iter().map(|line| line.outcome).collect()
}

#[test]
fn a_command_is_final_when_a_block_has_it_whatever_nodes_said() {
    let (all, began) = (commands(3), Instant::now());
    let ids: Vec<CommandId> = all.iter().map(CommandId::of).collect();
    let mut outcomes = Outcomes::default();
    all.iter().for_each(|signed| outcomes.sent(signed, TimeMs(0), began));
    outcomes.answered(ids[0], Answer::Taken);
    outcomes.answered(ids[1], refused("TooLate", false));
    let later = began + Duration::from_millis(7);
    assert_eq!(outcomes.included(9, &ids, later), 3);
    assert_eq!(outcomes.included(10, &ids, later), 0, "once and no more");
    let settled = of(&mut outcomes);
    assert_eq!(settled, vec![Outcome::Final { height: 9, latency_us: 7_000 }; 3]);
    assert_eq!((outcomes.waiting(), outcomes.tally().finals), (0, 3));
    assert_eq!(outcomes.latencies(), [Duration::from_millis(7); 3]);
}

#[test]
fn a_refusal_is_an_outcome_only_when_the_command_can_be_nowhere_else() {
    let (all, began) = (commands(4), Instant::now());
    let ids: Vec<CommandId> = all.iter().map(CommandId::of).collect();
    let mut outcomes = Outcomes::default();
    all.iter().for_each(|signed| outcomes.sent(signed, TimeMs(0), began));
    outcomes.answered(ids[0], refused("Signature", true));
    assert_eq!(of(&mut outcomes), [Outcome::Refused { code: "Signature".into() }]);
    // Somebody may have taken it before he died; somebody has.
    outcomes.answered(ids[1], refused("Nonce", false));
    outcomes.answered(ids[2], Answer::Taken);
    outcomes.answered(ids[2], refused("Signature", true));
    assert_eq!(of(&mut outcomes), []);
    outcomes.passed(TimeMs(1_000));
    assert_eq!(of(&mut outcomes), [], "still good");
    outcomes.passed(TimeMs(1_001));
    let mut settled = of(&mut outcomes);
    settled.sort_by_key(|outcome| format!("{outcome:?}"));
    let nonce = Outcome::Refused { code: "Nonce".into() };
    let expired = [false, true].map(|taken| Outcome::Expired { taken });
    assert_eq!(settled, [expired[0].clone(), expired[1].clone(), nonce]);
    let tally = outcomes.tally();
    assert_eq!((tally.sent, tally.expired, tally.expired_taken), (4, 1, 1));
    assert_eq!(tally.refused.values().sum::<u64>(), 2);
}

#[test]
fn what_nobody_speaks_of_is_brought_again_and_then_unknown() {
    let (all, began) = (commands(2), Instant::now());
    let mut outcomes = Outcomes::default();
    all.iter().for_each(|signed| outcomes.sent(signed, TimeMs(0), began));
    assert_eq!(outcomes.overdue(began + Duration::from_secs(2)), []);
    let again = outcomes.overdue(began + Duration::from_secs(3));
    assert_eq!(again.len(), 2, "the same commands: {again:?}");
    assert!(again.iter().all(|signed| all.contains(signed)));
    assert_eq!(outcomes.overdue(began + Duration::from_secs(5)), [], "not at once");
    outcomes.end();
    assert_eq!(of(&mut outcomes), vec![Outcome::Unknown { taken: false }; 2]);
}

fn line(id: u8, outcome: Outcome) -> Line {
    Line { id: hex::encode(&[id; 32]), signer: 1, nonce: 2, sent_ms: 3, outcome }
}

#[test]
fn a_record_reads_back_and_a_torn_end_is_no_line() {
    let path = std::env::temp_dir().join(format!("lockstep-record-{}", std::process::id()));
    let mut record = Record::create(&path, &[1; 32]).unwrap();
    let last = |id, height| line(id, Outcome::Final { height, latency_us: 1 });
    record.add(&[last(1, 5), line(2, Outcome::Expired { taken: true })]).unwrap();
    record.add(&[line(3, Outcome::Refused { code: "Nonce".into() }), last(4, 5)]).unwrap();
    let expected = Acknowledged {
        chain: hex::encode(&[1; 32]),
        commands: BTreeMap::from([(5, BTreeSet::from([[1; 32], [4; 32]]))]),
        count: 2,
    };
    assert_eq!(read(&path).unwrap(), expected);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"id\":\"0"].concat()).unwrap();
    assert_eq!(read(&path).unwrap(), expected);
    for (more, why) in [("{}\n", "line 6"), ("x\n", "line 6")] {
        fs::write(&path, [&whole[..], more.as_bytes()].concat()).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains(why));
    }
    let twice = [&whole[..], whole.split_inclusive(|byte| *byte == b'\n').nth(1).unwrap()];
    fs::write(&path, twice.concat()).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("there twice"));
    fs::write(&path, b"").unwrap();
    assert!(read(&path).is_err());
    fs::remove_file(&path).unwrap();
}

fn kept(url: &str, first: u64, digests: &[u8]) -> Kept {
    let digests: Vec<[u8; 32]> = digests.iter().map(|byte| [*byte; 32]).collect();
    let parent = [u8::try_from(first).unwrap() - 1; 32];
    Kept { url: url.into(), first, digests, parent, found: 1, missing: 0 }
}

#[test]
fn a_node_lacks_commands_differs_or_builds_on_something_else() {
    let acknowledged = Acknowledged {
        chain: String::new(),
        commands: BTreeMap::from([(5, BTreeSet::from([[1; 32]]))]),
        count: 1,
    };
    let said = |all: &[Kept], kept_only| complaints(all, &acknowledged, kept_only).join("; ");
    let whole = || kept("a", 5, &[5, 6, 7]);
    assert_eq!(said(&[whole(), whole()], false), "");
    assert_eq!(said(&[whole(), kept("b", 7, &[7])], false), "", "its parent is the others' 6");
    let missing = Kept { missing: 1, ..whole() };
    assert!(said(&[whole(), missing], false).contains("not in their blocks"));
    assert!(said(&[whole(), kept("b", 5, &[5, 9, 7])], false).contains("b: block 6 is another"));
    let elsewhere = Kept { parent: [9; 32], ..kept("b", 7, &[7]) };
    assert!(said(&[whole(), elsewhere], false).contains("b: block 7 builds on another"));
    let late = || kept("a", 6, &[6, 7]);
    assert!(said(&[late(), late()], false).contains("below block 6"));
    assert_eq!(said(&[late(), late()], true), "");
    let none = || Kept { first: 8, digests: Vec::new(), parent: [0; 32], ..late() };
    assert_eq!(said(&[late(), none()], true), "", "it keeps nothing that could be wrong");
}

const NOW: TimeMs = TimeMs(1_767_603_600_000);

fn network() -> (Genesis, Ledger) {
    let plan = Plan { validators: 1, prices: Prices::Walk, traders: TRADERS, epoch_blocks: 64 };
    let mut genesis = make_genesis(&plan, &[[9; 32]], [7; 32], NOW).unwrap();
    genesis.faucet = Some(trader([7; 32], 0).public_key());
    let ledger = Ledger::genesis(&genesis).unwrap();
    (genesis, ledger)
}

#[test]
fn gamblers_ask_the_faucet_first_and_do_not_ask_at_once_again() {
    let (genesis, mut ledger) = network();
    let faucet = trader([7; 32], 0);
    let nobody = Signer::from_seed([8; 32]);
    assert!(Gamblers::new(&genesis, [7; 32], nobody, 3, 1, SpanMs(60_000)).is_none());
    let mut gamblers = Gamblers::new(&genesis, [7; 32], faucet, 3, 1, SpanMs(60_000)).unwrap();
    let asked = gamblers.commands(&ledger, NOW);
    assert_eq!(asked.len(), 3);
    let is_gift = |signed: &SignedCommand| matches!(signed.command.command, Command::Chain(_));
    assert!(asked.iter().all(is_gift));
    assert_eq!(gamblers.commands(&ledger, TimeMs(NOW.0 + 1_999)), []);
    assert_eq!(gamblers.commands(&ledger, TimeMs(NOW.0 + 2_000)).len(), 3, "it came to nothing");
    let body = Body {
        height: 1,
        time: TimeMs(NOW.0 + 1),
        leader: *ledger.committee(0).unwrap().seats.first().map(|seat| &seat.key).unwrap(),
        commands: Bounded::new(asked).unwrap(),
        ..Body::default()
    };
    ledger.execute(&body).unwrap();
    let accounts = ledger.exchange().accounts();
    assert_eq!(accounts, u32::try_from(genesis.owners.len()).unwrap() + 3);
    // There are no prices, and so no bets.
    assert_eq!(gamblers.commands(&ledger, TimeMs(NOW.0 + 4_000)), []);
}

#[test]
fn traders_of_one_seed_want_the_same() {
    let (now, (genesis, ledger)) = (NOW, network());
    let turns = |seed: u64| {
        let mut traders = Traders::new(&genesis, [7; 32], seed, SpanMs(1_000)).unwrap();
        (0..4).map(|_| traders.commands(&ledger, now)).collect::<Vec<_>>()
    };
    assert_eq!(turns(1), turns(1));
    assert!(!turns(1).concat().is_empty(), "makers set their protection first");
}
