//! What goes wrong in a run, drawn from its seed.
//!
//! Invariants: no more than a third of the validators less one are malicious, without votes, lying,
//! or have a clock that is wrong by more than [`CLOCK_MS_MAX`], all together; whatever else is
//! wrong ends with [`Storm::heal`], but for clocks that are a little wrong, with which everybody
//! must live. Deliberately absent: disks that lie about what is durable.

use crate::clock::Skew;
use crate::validators::{Validators, Weather};
use crate::workload::{Candour, Workload};
use lockstep_node::malice::Malice;
use lockstep_sim::rng::Rng;
use lockstep_types::units::TimeMs;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Something that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Messages are lost.
    Loss,
    /// Messages take longer, and overtake each other.
    Delay,
    /// Groups of validators cannot hear each other.
    Partition,
    /// Validators die at an await point, lose unsynced writes and restart.
    Crash,
    /// A validator breaks the protocol.
    Malice,
    /// A validator loses its files and joins again.
    Wipe,
    /// A validator loses its files and votes anew, as if the chain began with it.
    Amnesia,
    /// A validator reports wrong, late or no prices.
    Lies,
    /// Nobody reports prices for a while.
    Silence,
    /// A validator restarts with a clock that is a little wrong, or far behind.
    Clock,
    /// A validator proposes blocks with wrong state roots.
    Roots,
    /// A validator sends messages that are as long as the network carries.
    Lengths,
}

/// An honest validator's clock is ahead or behind by so much at most, ms: two differ by no more
/// than what a block may be ahead without waiting (`lockstep_node::application::SKEW_MS_MAX`).
pub const CLOCK_MS_MAX: i64 = 250;
/// A clock that is very wrong is behind by so much at most, ms.
const WRONG_CLOCK_MS_MAX: i64 = 20_000;

impl Fault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Loss,
        Self::Delay,
        Self::Partition,
        Self::Crash,
        Self::Malice,
        Self::Wipe,
        Self::Amnesia,
        Self::Lies,
        Self::Silence,
        Self::Clock,
        Self::Roots,
        Self::Lengths,
    ];

    /// Its name on command lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Delay => "delay",
            Self::Partition => "partition",
            Self::Crash => "crash",
            Self::Malice => "malice",
            Self::Wipe => "wipe",
            Self::Amnesia => "amnesia",
            Self::Lies => "lies",
            Self::Silence => "silence",
            Self::Clock => "clock",
            Self::Roots => "roots",
            Self::Lengths => "lengths",
        }
    }

    /// The fault of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What goes wrong in one run.
pub struct Storm {
    faults: Vec<Fault>,
    rng: Rng,
    weather: Weather,
    /// Who is dead, and until when.
    dead: BTreeMap<usize, TimeMs>,
    /// Who breaks rules of its own accord, and how.
    faulty: BTreeMap<usize, Option<Malice>>,
    silent_until: TimeMs,
    /// Who has crashed at least once.
    crashed: Vec<usize>,
    drawn: BTreeMap<Fault, u64>,
}

impl Storm {
    /// The storm of a seed.
    #[must_use]
    pub fn new(seed: u64, faults: &[Fault]) -> Self {
        Self {
            faults: faults.to_vec(),
            rng: Rng::new(seed ^ 0x73_746f_726d),
            weather: Weather::default(),
            dead: BTreeMap::new(),
            faulty: BTreeMap::new(),
            silent_until: TimeMs(0),
            crashed: Vec::new(),
            drawn: BTreeMap::new(),
        }
    }

    /// How often each fault was drawn.
    #[must_use]
    pub fn drawn(&self) -> &BTreeMap<Fault, u64> {
        &self.drawn
    }

    /// Whether validators may be expected to report.
    #[must_use]
    pub fn is_silent(&self, time: TimeMs) -> bool {
        time < self.silent_until
    }

    /// Who has crashed at least once.
    #[must_use]
    pub fn crashed(&self) -> &[usize] {
        &self.crashed
    }

    /// Whether a validator keeps to the protocol.
    #[must_use]
    pub fn is_honest(&self, index: usize) -> bool {
        !self.faulty.contains_key(&index)
    }

    /// Validators that break rules without reports being wrong: who, and how.
    #[must_use]
    pub fn malicious(&self) -> Vec<(usize, Malice)> {
        self.faulty.iter().filter_map(|(index, malice)| Some((*index, (*malice)?))).collect()
    }

    /// Whether blocks must go on: more than two thirds are up, honest, connected and not slow.
    #[must_use]
    pub fn must_progress(&self, validators: &Validators) -> bool {
        let count = validators.count();
        let calm = self.weather.lost_of_1000 == 0 && self.weather.more.is_zero();
        let is_up = |index: &usize| self.is_honest(*index) && validators.is_voting(*index);
        let mut groups: BTreeMap<usize, usize> = BTreeMap::new();
        for index in (0..count).filter(is_up) {
            *groups.entry(self.weather.groups.get(index).copied().unwrap_or(0)).or_default() += 1;
        }
        calm && groups.values().any(|together| together * 3 > count * 2)
    }

    /// Something may go wrong now, and who was dead for long enough is restarted.
    pub async fn strike(
        &mut self,
        validators: &mut Validators,
        workload: &mut Workload,
        time: TimeMs,
    ) {
        let Some(fault) = self.faults.get(self.rng.below_usize(self.faults.len())).copied() else {
            return;
        };
        *self.drawn.entry(fault).or_default() += 1;
        let count = validators.count();
        let is_over = self.rng.one_in(4);
        match fault {
            Fault::Loss => {
                self.weather.lost_of_1000 = if is_over { 0 } else { 1 + self.rng.below(200) };
                validators.set_weather(&self.weather).await;
            }
            Fault::Delay => {
                let more = if is_over { 0 } else { 1 + self.rng.below(300) };
                self.weather.more = Duration::from_millis(more);
                validators.set_weather(&self.weather).await;
            }
            Fault::Partition => {
                let group = |_| if is_over { 0 } else { self.rng.below_usize(3) };
                self.weather.groups = (0..count).map(group).collect();
                validators.set_weather(&self.weather).await;
            }
            Fault::Crash => {
                let all = self.rng.one_in(8);
                let one = self.rng.below_usize(count);
                for index in 0..count {
                    if (all || index == one) && !self.faulty.contains_key(&index) {
                        self.kill(validators, index, time);
                    }
                }
            }
            Fault::Malice
            | Fault::Wipe
            | Fault::Amnesia
            | Fault::Lies
            | Fault::Roots
            | Fault::Lengths => {
                self.corrupt(validators, workload, fault, time).await;
            }
            Fault::Clock => self.skew(validators, time),
            Fault::Silence => {
                let length = i64::try_from(500 + self.rng.below(3_500)).unwrap_or(0);
                self.silent_until = TimeMs(time.0 + length);
            }
        }
    }

    fn kill(&mut self, validators: &mut Validators, index: usize, time: TimeMs) {
        if !validators.is_running(index) {
            return;
        }
        validators.crash(index);
        self.crashed.push(index);
        let length = i64::try_from(self.rng.below(3_000)).unwrap_or(0);
        self.dead.insert(index, TimeMs(time.0 + length));
    }

    /// Restarts a validator with another clock; a very wrong one, if one more may be faulty.
    fn skew(&mut self, validators: &mut Validators, time: TimeMs) {
        let count = validators.count();
        let index = self.rng.below_usize(count);
        if !validators.is_running(index) || self.faulty.contains_key(&index) {
            return;
        }
        let may_be_faulty = self.faulty.len() < count.saturating_sub(1) / 3;
        let is_very_wrong = self.rng.one_in(3) && may_be_faulty;
        let most = if is_very_wrong { WRONG_CLOCK_MS_MAX } else { CLOCK_MS_MAX };
        let span = Duration::from_millis(self.rng.below(most.unsigned_abs() + 1));
        // Very wrong is behind: a leader that is far ahead stops the chain for about as long.
        let is_ahead = self.rng.one_in(2) && !is_very_wrong;
        validators.set_skew(index, if is_ahead { Skew::Ahead(span) } else { Skew::Behind(span) });
        self.kill(validators, index, time);
        if is_very_wrong {
            self.faulty.insert(index, None);
        }
    }

    /// Makes one more validator break rules, if there may be one more.
    async fn corrupt(
        &mut self,
        validators: &mut Validators,
        workload: &mut Workload,
        fault: Fault,
        time: TimeMs,
    ) {
        let count = validators.count();
        let absent = (0..count).filter(|index| validators.is_joining(*index));
        let lost: BTreeSet<usize> = absent.chain(self.faulty.keys().copied()).collect();
        if lost.len() >= count.saturating_sub(1) / 3 {
            return;
        }
        let index = self.rng.below_usize(count);
        if !validators.is_running(index) || self.faulty.contains_key(&index) {
            return;
        }
        match fault {
            Fault::Lies => {
                let lie = Candour::LIES[self.rng.below_usize(Candour::LIES.len())];
                workload.set_candour(index, lie);
                self.faulty.insert(index, None);
            }
            Fault::Wipe => {
                self.kill(validators, index, time);
                validators.wipe(index, false);
            }
            Fault::Amnesia => {
                self.kill(validators, index, time);
                validators.wipe(index, true);
                self.faulty.insert(index, None);
            }
            Fault::Roots | Fault::Lengths => {
                validators.crash(index);
                self.crashed.push(index);
                if fault == Fault::Roots {
                    validators.start_with_wrong_roots(index).await;
                } else {
                    validators.start_with_long_messages(index).await;
                }
                self.faulty.insert(index, None);
            }
            _ => {
                let malice = Malice::SIMULATED[self.rng.below_usize(Malice::SIMULATED.len())];
                validators.crash(index);
                self.crashed.push(index);
                validators.start_malice(index, malice).await;
                self.faulty.insert(index, Some(malice));
            }
        }
    }

    /// Restarts who has been dead for long enough.
    pub async fn revive(&mut self, validators: &mut Validators, time: TimeMs) {
        let due = self.dead.iter().filter(|(_, until)| **until <= time);
        let due: Vec<usize> = due.map(|(index, _)| *index).collect();
        for index in due {
            self.dead.remove(&index);
            validators.start(index).await;
        }
    }

    /// Ends everything but malice and lies.
    pub async fn heal(&mut self, validators: &mut Validators) {
        self.weather = Weather::default();
        self.silent_until = TimeMs(0);
        validators.set_weather(&self.weather).await;
        self.revive(validators, TimeMs(i64::MAX)).await;
    }
}
