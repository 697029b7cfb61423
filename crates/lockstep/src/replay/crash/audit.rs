//! When the books are looked at while a crash runs.
//!
//! After every block the money is counted (C1): cash of all accounts, cost and funding of all
//! positions, funds and dust, against deposits, to the nano-USD. That is a scan of accounts and
//! holdings without margin. Every [`FULL_BLOCKS`] blocks, and after the last one, everything that
//! must hold is checked (C1 to C3): queues, levels, counters, indexes. With `--check every` that
//! is after every block, with `--check off` nothing is looked at.

use crate::books;
use crate::failure::Failure;
use crate::replay::Check;
use crate::replay::tally::grouped;
use crate::report::Conservation;
use lockstep_exchange::Exchange;

/// Blocks between two checks of everything.
const FULL_BLOCKS: u64 = 600;

/// What has been checked so far.
#[derive(Clone, Copy, Debug)]
pub struct Audit {
    check: Check,
    /// Blocks after which the money was counted.
    counted: u64,
    /// Times that everything was checked.
    full: u64,
}

impl Audit {
    /// An audit that has seen nothing.
    pub fn new(check: Check) -> Self {
        Self { check, counted: 0, full: 0 }
    }

    /// Looks at the books after a block.
    ///
    /// # Errors
    /// The first rule that does not hold, with the block.
    pub fn block(&mut self, exchange: &Exchange, height: u64) -> Result<(), Failure> {
        if self.check == Check::Off {
            return Ok(());
        }
        let money = exchange.conservation();
        self.counted += 1;
        if !money.is_balanced() {
            let what = format!(
                "block {height}: C1: all balances add up to {} nano-USD, deposits are {} micro-USD",
                money.total_nano(),
                money.deposits.0
            );
            return Err(Failure::Broken(what));
        }
        if self.check == Check::Every || height.is_multiple_of(FULL_BLOCKS) {
            let broken = |error| Failure::Broken(format!("block {height}: {error}"));
            exchange.check_invariants().map_err(broken)?;
            self.full += 1;
        }
        Ok(())
    }

    /// Checks everything once more; gives the books as a table, with what was checked when.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn finish(&mut self, exchange: &Exchange) -> Result<Option<Conservation>, Failure> {
        if self.check == Check::Off {
            return Ok(None);
        }
        let mut books = books::audit(exchange).map_err(Failure::Broken)?;
        self.full += 1;
        books.note = format!(
            "Every micro-USD that came in has one holder. The money was counted after each of {} \
             blocks; everything else that must hold (rules C2 and C3) was checked {} times, the \
             last time at the end.",
            grouped(self.counted),
            grouped(self.full)
        );
        Ok(Some(books))
    }
}
