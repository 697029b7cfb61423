//! What is remembered of free margin, within a block or in floors from block to block, never
//! promises more than the full look at the account finds,
//! and the sums of portfolio margin are exactly its, after every command of random runs.

use super::{RUN_BLOCKS, empty, over_runs};
use lockstep_exchange::{Exchange, Step};
use lockstep_types::command::Block;
use lockstep_types::ids::AccountId;
use lockstep_types::units::Usd;

/// Compares every remembered bound; how many had something in them.
fn check(exchange: &Exchange, shown: &dyn std::fmt::Debug) -> u64 {
    let mut checked = match exchange.check_remembered() {
        Ok(known) => u64::from(known),
        Err(account) => panic!("the sums of {account} are not its leaves', after {shown:?}"),
    };
    for id in (0..exchange.accounts()).map(AccountId) {
        let Some((open, keep)) = exchange.free_margin_remembered(id) else { continue };
        let Some(margin) = exchange.margin_of(id) else { continue };
        let free = i128::from(margin.balance) - i128::from(margin.needed);
        let kept = i128::from(margin.balance) - i128::from(margin.maintenance);
        let seen = format!("account {id}, {open:?}, {keep:?}, {margin:?}, after {shown:?}");
        assert!(i128::from(open.0) <= free, "{seen}");
        assert!(i128::from(keep.0) <= kept, "{seen}");
        checked += u64::from(open > Usd::ZERO);
    }
    checked
}

/// Compares every floor that holds; how many had something in them.
fn check_floors(exchange: &Exchange, shown: &dyn std::fmt::Debug) -> u64 {
    let mut checked = 0;
    for (id, open, keep) in exchange.margin_floors() {
        let margin = exchange.margin_of(id);
        let seen = format!("account {id}, {open:?}, {keep:?}, {margin:?}, after {shown:?}");
        let Some(margin) = margin else { panic!("nothing to compare with: {seen}") };
        let free = i128::from(margin.balance) - i128::from(margin.needed);
        let kept = i128::from(margin.balance) - i128::from(margin.maintenance);
        assert!(i128::from(open.0) <= free, "{seen}");
        assert!(i128::from(keep.0) <= kept, "{seen}");
        checked += u64::from(open > Usd::ZERO);
    }
    checked
}

fn run(exchange: &mut Exchange, block: &Block) -> (u64, u64) {
    let mut floors = 0;
    let step = |exchange: &mut Exchange, step| {
        let done = exchange.step(step);
        assert!(done.is_ok(), "a whole state misses nothing: {done:?}");
    };
    exchange.clear_events();
    step(exchange, Step::Begin { height: block.height, time: block.time });
    for (item, command) in (0..).zip(block.system.iter()) {
        step(exchange, Step::System(item, command));
    }
    step(exchange, Step::Prepare);
    let mut checked = check(exchange, &"prices");
    floors += check_floors(exchange, &"prices");
    for command in block.commands.iter() {
        step(exchange, Step::User(command));
        checked += check(exchange, command);
        floors += check_floors(exchange, command);
    }
    step(exchange, Step::End);
    (checked + check(exchange, &"the end"), floors + check_floors(exchange, &"the end"))
}

#[test]
fn no_cushion_promises_more_than_the_full_look_finds() {
    let (mut checked, mut floors) = (0_u64, 0_u64);
    over_runs("cushions", 20_000, |_, workload| {
        workload.profile.commands_max = 80;
        let mut exchange = empty();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            let (cushions, more) = run(&mut exchange, &block);
            checked += cushions;
            floors += more;
            workload.observe(exchange.events());
        }
    });
    assert!(checked > 1_000, "only {checked} bounds had something in them");
    assert!(floors > 1_000, "only {floors} floors held with something in them");
    println!("{checked} bounds and {floors} floors had something in them");
}
