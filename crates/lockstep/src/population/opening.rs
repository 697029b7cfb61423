//! The opening auction: how everybody comes by the positions with which a story begins.
//!
//! Each agent says what it would like to hold; the makers of an instrument take what is left over,
//! in equal parts, so that as much is bought as sold. All orders are at mark, so the uncrossing
//! fills them there. An order that margin refuses leaves its counterpart unfilled; what did not
//! fill ends at the first block.

use super::agent::{Agent, Turn};
use super::desk::Desk;
use super::market::Market;
use lockstep_types::command::{Command, MarginMode, UserCommand};
use lockstep_types::order::{NewOrder, TimeInForce};
use lockstep_types::{Lots, Price, Side, TimeMs};

/// What an agent would like to hold: places in [`Market::quotes`] and signed lots.
pub type Wish = Vec<(usize, i64)>;

/// Margin modes and orders of all agents, before the auction uncrosses.
pub fn commands(
    agents: &mut [Agent],
    market: &Market,
    desk: &Desk,
    must_hold: bool,
) -> Vec<UserCommand> {
    let wishes = agents.iter_mut().map(|agent| agent.wish(market, must_hold));
    let mut wishes: Vec<Wish> = wishes.collect();
    let mut sums = vec![0_i64; market.quotes.len()];
    for (place, lots) in wishes.iter().flatten() {
        sums[*place] += lots;
    }
    share_rest(agents, market, &sums, &mut wishes);
    let mut sent = Vec::new();
    for (agent, wish) in agents.iter_mut().zip(&wishes) {
        let wants_portfolio = agent.kind.wants_portfolio();
        agent.turn(market, desk, market.now_ms, &mut sent, |turn| {
            if wants_portfolio {
                turn.send(Command::SetMarginMode(MarginMode::Portfolio));
            }
            for (place, lots) in wish {
                order(turn, *place, *lots);
            }
        });
    }
    sent
}

/// Gives what is left over of each instrument to the makers who quote it.
fn share_rest(agents: &[Agent], market: &Market, sums: &[i64], wishes: &mut [Wish]) {
    let mut makers: Vec<Vec<usize>> = vec![Vec::new(); market.quotes.len()];
    for (at, agent) in agents.iter().enumerate() {
        for place in agent.quotes(market) {
            makers[place].push(at);
        }
    }
    for (place, (makers, sum)) in makers.iter().zip(sums).enumerate() {
        let count = i64::try_from(makers.len()).unwrap_or(0);
        if count == 0 || *sum == 0 {
            continue;
        }
        let rest = -sum;
        for (number, maker) in (0..).zip(makers) {
            let extra = i64::from(number < rest.abs() % count) * rest.signum();
            wishes[*maker].push((place, rest / count + extra));
        }
    }
}

fn order(turn: &mut Turn<'_>, place: usize, lots: i64) {
    let Some(quote) = turn.market.quotes.get(place) else { return };
    if lots == 0 || quote.mark == 0 {
        return;
    }
    let side = if lots > 0 { Side::Buy } else { Side::Sell };
    let price = Price(quote.floor(quote.mark));
    turn.place(NewOrder {
        time_in_force: TimeInForce::GoodTil(TimeMs(turn.market.now_ms + 1)),
        ..NewOrder::limit(quote.id, side, Lots(lots.abs()), price)
    });
}
