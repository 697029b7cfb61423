//! The opening auction: how everybody comes by the positions with which a story begins.
//!
//! Each agent says what it would like to hold; the makers of an instrument take what is left over,
//! in equal parts, so that as much is bought as sold. All orders are at mark, so the uncrossing
//! fills them there. An order that margin refuses leaves its counterpart unfilled; what did not
//! fill ends at the first block.

use super::Kind;
use super::agent::{Agent, Turn};
use super::desk::Desk;
use super::market::Market;
use lockstep_types::command::{Command, MarginMode, UserCommand};
use lockstep_types::order::{NewOrder, TimeInForce};
use lockstep_types::{Lots, Price, Side, TimeMs};

/// What an agent would like to hold: places in [`Market::quotes`] and signed lots.
pub type Wish = Vec<(usize, i64)>;

/// Margin modes and orders of all agents, before the auction uncrosses.
pub fn commands(agents: &mut [Agent], market: &Market, desk: &Desk) -> Vec<UserCommand> {
    let mut wishes: Vec<Wish> = agents.iter_mut().map(|agent| agent.wish(market)).collect();
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
    for (board_number, board) in market.boards.iter().enumerate() {
        let makers = |kind: Kind| -> Vec<usize> {
            let agents = agents.iter().enumerate();
            let quoting = agents.filter(|(_, it)| it.kind == kind && it.quotes(board_number));
            quoting.map(|(at, _)| at).collect()
        };
        let linears = [board.perpetual].into_iter().chain(board.futures.iter().copied());
        let options = board.options.iter().flatten().copied();
        for (places, makers) in [
            (linears.collect::<Vec<_>>(), makers(Kind::Maker)),
            (options.collect(), makers(Kind::OptionMaker)),
        ] {
            let Ok(count) = i64::try_from(makers.len()) else { continue };
            for place in places.into_iter().filter(|place| sums[*place] != 0 && count > 0) {
                let rest = -sums[place];
                for (number, maker) in (0..).zip(&makers) {
                    let extra = i64::from(number < rest.abs() % count) * rest.signum();
                    wishes[*maker].push((place, rest / count + extra));
                }
            }
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
