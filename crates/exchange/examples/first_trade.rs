//! A first trade through the library: genesis, deposits, two signed orders, a trade, a witness.
//!
//! Run it with `cargo run --release -p lockstep-exchange --example first_trade`. What it prints is
//! the same on every machine, digests included.

use lockstep_exchange::Exchange;
use lockstep_types::codec::{Bounded, Decode, Encode};
use lockstep_types::command::{Block, Command, Report, SystemCommand, UserCommand};
use lockstep_types::ids::{AccountId, InstrumentId, ReporterId, UnderlyingId};
use lockstep_types::instrument::Ticker;
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::{ChainId, SignedCommand, Signer, TimeMs, Usd, Verifier};
use std::error::Error;

/// Monday 2 March 2026, noon UTC.
const GENESIS: TimeMs = TimeMs(1_772_452_800_000);
/// A signature is good for one chain; this one exists in this example only.
const CHAIN: ChainId = ChainId([7; 32]);

fn main() -> Result<(), Box<dyn Error>> {
    let (alice, bob) = (Signer::from_seed([1; 32]), Signer::from_seed([2; 32]));
    let mut exchange = Exchange::new(VenueParams::default());

    // Block 1, the chain's part: an underlying, its perpetual, a price, collateral.
    let btc = UnderlyingParams::genesis(Ticker::new("BTC")?, 100_000);
    let deposit = |signer: &Signer| SystemCommand::Deposit {
        owner: signer.public_key(),
        sub: 0,
        amount: Usd(50_000_000_000),
    };
    let genesis = vec![
        SystemCommand::AddUnderlying(btc),
        SystemCommand::List("BTC_USDC-PERPETUAL".parse()?),
        SystemCommand::SetReporterWeight { reporter: ReporterId(0), weight: 1 },
        report("100000")?,
        deposit(&alice),
        deposit(&bob),
    ];
    let block = Block {
        height: 1,
        time: GENESIS,
        system: Bounded::new(genesis)?,
        commands: Bounded::default(),
    };
    exchange.execute(&block)?;

    // Block 2: both sign an order, somebody checks the signatures and builds the block.
    let perpetual = exchange.instrument_id(&"BTC_USDC-PERPETUAL".parse()?).ok_or("not listed")?;
    let offer = order(&exchange, &alice, perpetual, Side::Sell, "0.5", "100010")?;
    let bid = order(&exchange, &bob, perpetual, Side::Buy, "0.2", "100020")?;
    Verifier::new(alice.public_key())?.verify(CHAIN, &offer)?;
    Verifier::new(bob.public_key())?.verify(CHAIN, &bid)?;
    let block = Block {
        height: 2,
        time: TimeMs(GENESIS.0 + 1_000),
        system: Bounded::new(vec![report("100005")?])?,
        commands: Bounded::new(vec![offer.command, bid.command])?,
    };
    assert_eq!(Block::from_bytes(&block.to_bytes())?, block, "a block has one encoding");

    // From here on the journal is kept, so that the block can be proven or undone.
    exchange.record(true);
    exchange.execute(&block)?;
    for event in exchange.events() {
        println!("{event:?}");
    }
    for signer in [&alice, &bob] {
        let account = account_of(&exchange, signer)?;
        let view = exchange.account_view(account).ok_or("no such account")?;
        for position in &view.positions {
            println!("account {account}: {} BTC, {} USDC cash", position.lots, view.cash);
        }
    }
    println!("digest {}", hex(&exchange.digest()));

    // Somebody who knows only the witness executes the same block and gets the same events.
    let journal = exchange.checkpoint();
    let witness = journal.witness();
    let mut elsewhere = Exchange::from_witness(&witness)?;
    elsewhere.execute(&block)?;
    assert_eq!(elsewhere.events(), exchange.events(), "the witness is enough");
    println!("witness of {} leaves, {} bytes", witness.leaves.len(), witness.to_bytes().len());

    // And the block can be taken back.
    exchange.undo(journal);
    println!("digest without block 2 {}", hex(&exchange.digest()));
    exchange.check_invariants()?;
    Ok(())
}

/// What the one reporter says of BTC now.
fn report(price: &str) -> Result<SystemCommand, Box<dyn Error>> {
    Ok(SystemCommand::Report(Report {
        reporter: ReporterId(0),
        underlying: UnderlyingId(0),
        price: price.parse()?,
        published: GENESIS,
        expiries: Bounded::default(),
    }))
}

fn account_of(exchange: &Exchange, signer: &Signer) -> Result<AccountId, Box<dyn Error>> {
    Ok(exchange.account_of(signer.public_key(), 0).ok_or("no deposit yet")?)
}

/// A limit order as its owner signs it.
fn order(
    exchange: &Exchange,
    owner: &Signer,
    instrument: InstrumentId,
    side: Side,
    lots: &str,
    price: &str,
) -> Result<SignedCommand, Box<dyn Error>> {
    let order = NewOrder::limit(instrument, side, lots.parse()?, price.parse()?);
    let command = UserCommand {
        signer: exchange.signer_of(owner.public_key()).ok_or("no deposit yet")?,
        account: account_of(exchange, owner)?,
        // By convention the clock in milliseconds; any number that was not used works.
        nonce: u64::try_from(GENESIS.0)?,
        valid_until: None,
        command: Command::Place(order),
    };
    Ok(owner.sign(CHAIN, command))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
