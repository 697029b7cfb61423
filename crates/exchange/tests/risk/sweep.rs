//! The sweep: nobody above maintenance is liquidated, nobody below is forgotten (R2).

use super::*;
use lockstep_types::command::SystemCommand;
use proptest::prelude::*;

#[test]
fn every_account_of_a_large_venue_gets_its_turn() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let maker = rich(&mut venue, 1);
    let deposits = (0..1_100_u32).map(|number| {
        let mut owner = [9; 32];
        owner[..4].copy_from_slice(&number.to_le_bytes());
        SystemCommand::Deposit { owner, sub: 0, amount: usd(5_500) }
    });
    let events = venue.block(deposits.collect(), Vec::new());
    let opened: Vec<AccountId> = events
        .iter()
        .filter_map(|event| match event {
            Event::AccountOpened { account, .. } => Some(*account),
            _ => None,
        })
        .collect();
    assert_eq!(opened.len(), 1_100);
    let weak = [opened[3], opened[1_099]];
    for account in weak {
        trade(&mut venue, account, maker, perpetual, 1_000, price(100_000));
    }
    venue.move_price(BTC, price(99_000));
    set(&mut venue, free(MarginRegime::Enforced));
    let liquidating = |venue: &Venue| {
        weak.map(|account| venue.exchange.account_view(account).unwrap().liquidating)
    };
    // Nothing happened to them since margin is enforced: they come in turn.
    let mut blocks = 0;
    while liquidating(&venue) != [true, true] {
        venue.tick();
        blocks += 1;
        assert!(blocks <= 64, "everybody comes within 64 blocks");
    }
    assert!(blocks > 0, "not all at once");
    // Who has traded is looked at in the next block, and then when a price says so.
    let (strong, weaker) = (opened[500], opened[700]);
    trade(&mut venue, strong, maker, perpetual, 500, price(99_000));
    trade(&mut venue, weaker, maker, perpetual, 600, price(99_000));
    venue.tick();
    let is_liquidating =
        |venue: &Venue, account| venue.exchange.account_view(account).unwrap().liquidating;
    // 5,500 and 0.6 BTC from 99,000 on are below their maintenance from 94,560 down.
    venue.move_price(BTC, price(94_600));
    assert!(!is_liquidating(&venue, weaker) && !is_liquidating(&venue, strong));
    venue.move_price(BTC, price(94_200));
    assert!(is_liquidating(&venue, weaker), "in the very block");
    venue.move_price(BTC, price(93_000));
    assert!(!is_liquidating(&venue, strong));
    venue.move_price(BTC, price(92_000));
    assert!(is_liquidating(&venue, strong));
    audit(&venue);
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Trade { buyer: u8, seller: u8, what: usize, lots: i64, away: i64 },
    Rest { account: u8, what: usize, buy: bool, lots: i64, away: i64 },
    Index { change: i64 },
}

fn random_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        (0_u8..6, 0_u8..6, 0_usize..4, 1_i64..3_000, -20_i64..20).prop_map(
            |(buyer, seller, what, lots, away)| Move::Trade { buyer, seller, what, lots, away }
        ),
        (0_u8..6, 0_usize..4, any::<bool>(), 1_i64..3_000, -20_i64..20).prop_map(
            |(account, what, buy, lots, away)| Move::Rest { account, what, buy, lots, away }
        ),
        (-6_000_i64..6_000).prop_map(|change| Move::Index { change }),
    ]
}

struct Run {
    venue: Venue,
    accounts: Vec<AccountId>,
    instruments: Vec<InstrumentId>,
}

impl Run {
    fn new() -> Self {
        let (mut venue, perpetual) = bitcoin_venue(VenueParams::default());
        let mut instruments = vec![perpetual];
        for name in ["BTC_USDC-27MAR26", "BTC_USDC-27MAR26-100000-C", "BTC_USDC-27MAR26-95000-P"] {
            instruments.push(venue.list(name));
        }
        let accounts = (1..7).map(|owner| venue.deposit(owner, usd(20_000))).collect();
        Self { venue, accounts, instruments }
    }

    fn place(&mut self, account: u8, what: usize, buy: bool, lots: i64, away: i64) {
        use lockstep_types::command::Command;
        use lockstep_types::order::NewOrder;
        let instrument = self.instruments[what];
        let mark = self.venue.exchange.mark_seen(instrument).unwrap();
        let tick = 100_000;
        let at = (mark.0 / tick + away * mark.0 / tick / 1_000).max(1) * tick;
        let side = if buy { Side::Buy } else { Side::Sell };
        let order = NewOrder::limit(instrument, side, Lots(lots), Price(at));
        // It may be refused; that is part of the run.
        self.venue.send(self.accounts[usize::from(account)], Command::Place(order));
    }

    fn play(&mut self, step: Move) -> Vec<Event> {
        match step {
            Move::Trade { buyer, seller, what, lots, away } => {
                self.place(seller, what, false, lots, away);
                self.place(buyer, what, true, lots, away);
            }
            Move::Rest { account, what, buy, lots, away } => {
                self.place(account, what, buy, lots, away);
            }
            Move::Index { change } => {
                let quoted = self.venue.quoted.get_mut(&BTC).unwrap();
                quoted.price = Price((quoted.price.0 + change * 1_000_000).max(20_000_000_000));
            }
        }
        self.venue.tick()
    }

    /// After a block in which nobody traded, the sweep has seen everybody at these prices.
    fn check(&self, events: &[Event]) -> Result<(), TestCaseError> {
        for event in events {
            if let Event::LiquidationStarted { equity, maintenance, .. } = event {
                prop_assert!(equity < maintenance, "nobody above maintenance is liquidated");
            }
        }
        for account in &self.accounts {
            let view = self.venue.exchange.account_view(*account).unwrap();
            let margin = view.margin.unwrap().total;
            let holds = view.positions.iter().any(|held| held.lots != Lots(0));
            if holds {
                // Trades of liquidations after the look can have moved an option's mark.
                let slack = 20_000_000;
                let below = margin.balance + slack < margin.maintenance;
                prop_assert!(
                    !below || view.liquidating,
                    "nobody below it is forgotten: {margin:?}"
                );
            }
            prop_assert_eq!(margin.needed - margin.initial, margin.order_margin());
        }
        if let Err(error) = self.venue.exchange.check_invariants() {
            return Err(TestCaseError::fail(error.to_string()));
        }
        prop_assert!(self.venue.exchange.conservation().is_balanced());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_markets_liquidate_exactly_those_below_maintenance(
        moves in prop::collection::vec(random_move(), 1..60)
    ) {
        let mut run = Run::new();
        for step in moves {
            let events = run.play(step);
            run.check(&events)?;
        }
    }
}
