//! The table of holdings: found by account and instrument, walked by account.
//!
//! Each account has a short sorted directory, so that a look-up is a binary search in memory that
//! the account's other commands have just used. An account's own count of holdings proves a walk
//! complete in a partial state.

use super::key::HoldingKey;
use super::leaves::Holding;
use super::table::{Cell, Log, Missing, Table, Touch, index};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::ids::{AccountId, InstrumentId};

/// Where the holdings of accounts are.
#[derive(Clone, Debug)]
enum Directory {
    /// Per account, sorted by instrument: instrument and position.
    Whole(Vec<Vec<(u32, u32)>>),
    /// Only these are known.
    Partial(BTreeMap<HoldingKey, u32>),
}

/// The table of holdings.
#[derive(Clone, Debug)]
pub(crate) struct Holdings {
    cells: Vec<Cell<Holding>>,
    free: Vec<u32>,
    directory: Directory,
    log: Log<HoldingKey, Holding>,
}

impl Default for Holdings {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            free: Vec::new(),
            directory: Directory::Whole(Vec::new()),
            log: Log::default(),
        }
    }
}

impl Holdings {
    /// The holding for reading and writing; `None` is absence.
    #[inline]
    pub(crate) fn touch(&mut self, key: HoldingKey) -> Touch<&mut Option<Holding>> {
        let position = match self.find(key) {
            Some(position) => position,
            None => self.make(key)?,
        };
        let cell = &mut self.cells[position];
        if cell.stamp != self.log.epoch {
            cell.stamp = self.log.epoch;
            self.log.note(key, &cell.value);
        }
        Ok(&mut cell.value)
    }

    #[inline]
    fn find(&self, key: HoldingKey) -> Option<usize> {
        match &self.directory {
            Directory::Whole(accounts) => {
                let list = accounts.get(index(key.account.0))?;
                let at = list.binary_search_by_key(&key.instrument.0, |entry| entry.0).ok()?;
                Some(index(list[at].1))
            }
            Directory::Partial(known) => known.get(&key).map(|position| index(*position)),
        }
    }

    #[cold]
    fn make(&mut self, key: HoldingKey) -> Touch<usize> {
        match self.directory {
            Directory::Whole(_) => Ok(self.place(key)),
            Directory::Partial(_) => Err(Missing::leaf(key)),
        }
    }

    fn place(&mut self, key: HoldingKey) -> usize {
        if let Some(position) = self.find(key) {
            return position;
        }
        let position = self.free.pop().unwrap_or_else(|| {
            self.cells.push(Cell::default());
            u32::try_from(self.cells.len() - 1).unwrap_or(u32::MAX)
        });
        self.cells[index(position)] = Cell::default();
        match &mut self.directory {
            Directory::Whole(accounts) => {
                let account = index(key.account.0);
                if account >= accounts.len() {
                    accounts.resize_with(account + 1, Vec::new);
                }
                let list = &mut accounts[account];
                let at = list.partition_point(|entry| entry.0 < key.instrument.0);
                list.insert(at, (key.instrument.0, position));
            }
            Directory::Partial(known) => {
                known.insert(key, position);
            }
        }
        index(position)
    }

    /// The instruments in which `account` has a holding, ascending; `count` is how many the
    /// account itself says there are.
    pub(crate) fn instruments(&self, account: AccountId, count: u32) -> Touch<Vec<InstrumentId>> {
        let mut found = Vec::with_capacity(index(count));
        let mut show = |instrument: InstrumentId, position: u32| {
            if self.cells[index(position)].value.is_some() {
                found.push(instrument);
            }
        };
        match &self.directory {
            Directory::Whole(accounts) => {
                for (instrument, position) in accounts.get(index(account.0)).into_iter().flatten() {
                    show(InstrumentId(*instrument), *position);
                }
            }
            Directory::Partial(known) => {
                let from = HoldingKey { account, instrument: InstrumentId(0) };
                let to = HoldingKey { account, instrument: InstrumentId(u32::MAX) };
                for (key, position) in known.range(from..=to) {
                    show(key.instrument, *position);
                }
            }
        }
        if found.len() != index(count) {
            assert!(
                matches!(self.directory, Directory::Partial(_)),
                "an account's count of holdings is right"
            );
            let key = HoldingKey { account, instrument: InstrumentId(0) };
            return Err(Missing::leaf(key));
        }
        Ok(found)
    }
}

impl Table for Holdings {
    type Key = HoldingKey;
    type Value = Holding;

    fn peek(&self, key: HoldingKey) -> Option<&Holding> {
        self.cells[self.find(key)?].value.as_ref()
    }

    fn restore(&mut self, key: HoldingKey, value: Option<Holding>) {
        let position = self.place(key);
        self.cells[position].value = value;
        if value.is_none() {
            self.sweep(key);
        }
    }

    fn each(&self, visit: &mut dyn FnMut(HoldingKey, &Holding)) {
        let mut show = |key: HoldingKey, position: u32| {
            if let Some(value) = &self.cells[index(position)].value {
                visit(key, value);
            }
        };
        match &self.directory {
            Directory::Whole(accounts) => {
                for (account, list) in (0..).zip(accounts) {
                    for (instrument, position) in list {
                        let key = HoldingKey {
                            account: AccountId(account),
                            instrument: InstrumentId(*instrument),
                        };
                        show(key, *position);
                    }
                }
            }
            Directory::Partial(known) => {
                known.iter().for_each(|(key, position)| show(*key, *position));
            }
        }
    }

    fn log(&mut self) -> &mut Log<HoldingKey, Holding> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        assert!(self.cells.is_empty(), "a table becomes partial before it holds anything");
        self.directory = Directory::Partial(BTreeMap::new());
    }

    fn sweep(&mut self, key: HoldingKey) {
        let Some(position) = self.find(key) else { return };
        if self.cells[position].value.is_some() {
            return;
        }
        let Directory::Whole(accounts) = &mut self.directory else { return };
        let list = &mut accounts[index(key.account.0)];
        if let Ok(at) = list.binary_search_by_key(&key.instrument.0, |entry| entry.0) {
            let (_, place) = list.remove(at);
            self.free.push(place);
        }
    }
}
