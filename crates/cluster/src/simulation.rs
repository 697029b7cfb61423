//! A run: validators start, trade and suffer, then everything that can be healed is, and they must
//! all go on together.
//!
//! Invariants: an outcome is a function of its plan. Deliberately absent: printing.

use crate::auditor::{Auditor, Counts, Finding, Inbox, Rule};
use crate::faults::{Fault, Storm};
use crate::validators::{Validators, now};
use crate::wire::Preset;
use crate::workload::{Market, REPORT_EVERY_MS, TRADE_EVERY_MS, Workload, genesis_ledger};
use crate::world::START;
use commonware_runtime::deterministic::{self, Context};
use commonware_runtime::{Clock as _, Runner as _, Supervisor as _};
use lockstep_node::malice::Malice;
use lockstep_sim::rng::Rng;
use lockstep_types::units::TimeMs;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// What one round of the runtime's ready tasks takes. Messages go through some ten tasks on their
/// way; the runtime's own default of 1 ms each would be most of a near block's latency.
pub(crate) const CYCLE: Duration = Duration::from_micros(100);
/// Between looks at the clock.
const TICK_MS: i64 = 50;
/// Between faults, about.
const STRIKE_EVERY_MS: u64 = 1_200;
/// Without blocks for so long although more than two thirds are connected, they have stopped.
const STALLED_MS: i64 = 15_000;
/// So many blocks after the end of all faults, and everybody has them.
const BLOCKS_AFTER: u64 = 20;
/// How long that may take.
const HEALED_MS: i64 = 60_000;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What everything follows from.
    pub seed: u64,
    /// Validators.
    pub validators: usize,
    /// Blocks before everything is healed; with faults that stop all blocks, so many heartbeats.
    pub blocks: u64,
    /// What may go wrong.
    pub faults: Vec<Fault>,
    /// Where validators are.
    pub preset: Preset,
    /// So many never start.
    pub absent: usize,
}

impl Plan {
    /// Four validators near each other, about 80 blocks, and all faults.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let faults = Fault::ALL.to_vec();
        Self { seed, validators: 4, blocks: 80, faults, preset: Preset::Near, absent: 0 }
    }
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The runtime's digest of everything that happened.
    pub auditor: String,
    /// Digest of the state at the end.
    pub state: [u8; 32],
    /// What was counted.
    pub counts: Counts,
    /// How often each fault was drawn.
    pub faults: BTreeMap<Fault, u64>,
    /// Who broke the protocol, and how.
    pub malicious: Vec<(usize, Malice)>,
    /// Blocks with wrong state roots that leaders proposed and voted for.
    pub wrong_roots: u64,
    /// Messages that were as long as the network carries.
    pub too_long: u64,
    /// From a block's time to a validator's knowing that it is final, ms, ascending.
    pub latencies_ms: Vec<u64>,
    /// Between the times of successive blocks, ms, ascending.
    pub intervals_ms: Vec<u64>,
    /// Bytes that each validator sent.
    pub bytes: Vec<u64>,
    /// How much time passed.
    pub simulated_ms: u64,
    /// What should not be.
    pub findings: Vec<Finding>,
}

/// The number that so many of a hundred of these, ascending, do not exceed; 0 if there are none.
#[must_use]
pub fn percentile(ascending: &[u64], of_100: usize) -> u64 {
    let last = ascending.len().saturating_sub(1);
    ascending.get(last * of_100 / 100).copied().unwrap_or(0)
}

/// Runs a plan.
#[must_use]
pub fn run(plan: &Plan) -> Outcome {
    let start = UNIX_EPOCH + Duration::from_millis(START.0.unsigned_abs());
    let config = deterministic::Config::default()
        .with_seed(plan.seed)
        .with_cycle(CYCLE)
        .with_start_time(start);
    deterministic::Runner::new(config).start(|context| async move {
        let runtime = context.auditor();
        let mut outcome = Story::new(context, plan).await.tell(plan).await;
        outcome.auditor = runtime.state();
        outcome
    })
}

struct Story {
    context: Context,
    validators: Validators,
    workload: Workload,
    auditor: Auditor,
    storm: Storm,
    rng: Rng,
    next_strike: TimeMs,
    /// When a block came last, or one was not to be expected.
    fine: TimeMs,
}

impl Story {
    async fn new(context: Context, plan: &Plan) -> Self {
        let inbox = Inbox::default();
        let cluster = context.child("cluster");
        let validators =
            Validators::new(cluster, plan.validators, plan.preset, inbox.clone()).await;
        let ledger = genesis_ledger(plan.validators);
        let mut rng = Rng::new(plan.seed ^ 0x73_746f_7279);
        let falls = 2_000 + i64::try_from(rng.below(4_000)).unwrap_or(0);
        let market = Market::new(plan.seed, falls);
        Self {
            workload: Workload::new(plan.seed, market, &ledger, plan.validators),
            auditor: Auditor::new(inbox, market, ledger, plan.validators),
            storm: Storm::new(plan.seed, &plan.faults),
            validators,
            rng,
            next_strike: TimeMs(START.0 + 1_000),
            fine: START,
            context,
        }
    }

    async fn tell(mut self, plan: &Plan) -> Outcome {
        for index in plan.absent..plan.validators {
            self.validators.start(index).await;
        }
        // A heartbeat of 100 ms; a storm may allow few blocks, or none.
        let patience = i64::try_from(plan.blocks).unwrap_or(i64::MAX).saturating_mul(150);
        let deadline = START.0.saturating_add(patience);
        while self.auditor.height() < plan.blocks && now(&self.context).0 < deadline {
            self.tick(true).await;
            if !self.auditor.findings().is_empty() {
                break;
            }
        }
        if self.auditor.findings().is_empty() {
            self.storm.heal(&mut self.validators).await;
            self.recover(plan.absent).await;
        }
        self.conclude(plan.absent).await;
        self.outcome()
    }

    /// A moment passes.
    async fn tick(&mut self, stormy: bool) {
        let tick = Duration::from_millis(TICK_MS.unsigned_abs());
        self.context.sleep(tick).await;
        let time = now(&self.context);
        self.validators.settle();
        let has_news = self.auditor.listen();
        let passed = time.0 - START.0;
        let is_due = |every: i64| passed.div_euclid(TICK_MS) % (every / TICK_MS) == 0;
        if is_due(REPORT_EVERY_MS) && !self.storm.is_silent(time) {
            self.workload.report(&self.validators, time);
        }
        if is_due(TRADE_EVERY_MS) {
            self.workload.trade(&self.validators, self.auditor.ledger(), time);
        }
        if stormy {
            self.storm.revive(&mut self.validators, time).await;
            if time >= self.next_strike {
                let pause = STRIKE_EVERY_MS / 2 + self.rng.below(STRIKE_EVERY_MS);
                self.next_strike = TimeMs(time.0 + i64::try_from(pause).unwrap_or(0));
                self.storm.strike(&mut self.validators, &mut self.workload, time).await;
            }
        }
        if has_news || !self.storm.must_progress(&self.validators) {
            self.fine = time;
        }
        if time.0 - self.fine.0 > STALLED_MS {
            let height = self.auditor.height();
            let ahead = self.auditor.ledger().time().0 - time.0;
            let what = format!("no block after height {height}, whose time is {ahead} ms ahead");
            self.auditor.find(Rule::Progress, what);
        }
    }

    /// The honest that run.
    fn honest(&self, absent: usize) -> Vec<usize> {
        let all = absent..self.validators.count();
        all.filter(|index| self.storm.is_honest(*index)).collect()
    }

    /// Everybody honest goes on from where the highest is.
    async fn recover(&mut self, absent: usize) {
        let target = self.auditor.height() + BLOCKS_AFTER;
        let deadline = now(&self.context).0 + HEALED_MS;
        let honest = self.honest(absent);
        while honest.iter().any(|index| self.auditor.height_of(*index) < target) {
            if !self.auditor.findings().is_empty() {
                return;
            }
            if now(&self.context).0 > deadline {
                let heights: Vec<u64> =
                    honest.iter().map(|index| self.auditor.height_of(*index)).collect();
                let what = format!("after everything was healed, {heights:?} and not {target}");
                self.auditor.find(Rule::Progress, what);
                return;
            }
            self.tick(false).await;
        }
    }

    /// What can only be judged at the end.
    async fn conclude(&mut self, absent: usize) {
        for index in self.honest(absent) {
            // What it says now, we may not have heard yet.
            if let Some(theirs) = self.validators.ledger(index).await {
                self.auditor.listen();
                self.auditor.compare(index, &theirs);
            }
        }
        if !self.auditor.findings().is_empty() {
            return;
        }
        let before = now(&self.context).0 - 2_000;
        for (id, (index, time)) in self.workload.acknowledged() {
            let kept = self.storm.is_honest(index) && !self.storm.crashed().contains(&index);
            if kept && time.0 < before && !self.auditor.includes(id) {
                let what = format!("validator {index} took a command that is in no block");
                self.auditor.find(Rule::Acknowledged, what);
            }
        }
        for digest in self.validators.wrong_roots() {
            if self.auditor.has_block(digest) {
                let what = format!("a block with a wrong state root is final: {digest}");
                self.auditor.find(Rule::EqualState, what);
            }
        }
        for key in self.auditor.unpunished() {
            let what = format!("{:02x}{:02x}.. voted twice and was not slashed", key[0], key[1]);
            self.auditor.find(Rule::Evidence, what);
        }
    }

    fn outcome(self) -> Outcome {
        let mut latencies_ms = self.auditor.latencies_ms().to_vec();
        latencies_ms.sort_unstable();
        let mut intervals_ms = self.auditor.intervals_ms().to_vec();
        intervals_ms.sort_unstable();
        let simulated_ms = now(&self.context).0 - START.0;
        Outcome {
            auditor: String::new(),
            state: self.auditor.ledger().digest(),
            counts: self.auditor.counts().clone(),
            faults: self.storm.drawn().clone(),
            malicious: self.storm.malicious(),
            wrong_roots: u64::try_from(self.validators.wrong_roots().len()).unwrap_or(u64::MAX),
            too_long: self.validators.too_long(),
            latencies_ms,
            intervals_ms,
            bytes: self.validators.bytes(),
            simulated_ms: simulated_ms.unsigned_abs(),
            findings: self.auditor.findings().to_vec(),
        }
    }
}
