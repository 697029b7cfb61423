//! A cluster of four validators that a story drives step by step, from code that is not
//! asynchronous.
//!
//! The story runs in the caller's thread and the cluster in another. Simulated time stands still
//! while the story thinks, so that a seed and a story repeat a run to the bit. Invariants: the
//! auditor hears everything, and what it finds ends the story; whatever is compiled for a cluster
//! is compiled once, in this crate, and not again for each file of tests. Deliberately absent:
//! chance; stories say what goes wrong.

use crate::auditor::{Auditor, Inbox, Rule};
use crate::simulation::CYCLE;
use crate::validators::{Validators, Weather, now};
use crate::wire::Preset;
use crate::workload::{Market, REPORT_EVERY_MS, TRADE_EVERY_MS, Workload, genesis_ledger};
use crate::world::{START, sub_account_command};
use commonware_runtime::deterministic::{self, Context};
use commonware_runtime::{Clock as _, Runner as _, Supervisor as _};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use lockstep_node::mempool::Refusal;
use lockstep_node::signatures::CommandId;
use lockstep_types::codec::Encode as _;
use lockstep_types::envelope::SignedCommand;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, UNIX_EPOCH};

/// Validators of a stage.
pub const VALIDATORS: usize = 4;
/// Between looks at what is final.
const TICK_MS: u64 = 2;
/// A height that does not come for so long will not.
const WAIT_MS: u64 = 60_000;

/// What the story asks of the cluster.
type Request = Box<dyn for<'a> FnOnce(&'a mut Actors) -> LocalBoxFuture<'a, ()> + Send>;

/// The story's end of a cluster.
pub struct Stage(Sender<Request>);

/// The cluster's end.
struct Actors {
    context: Context,
    validators: Validators,
    workload: Workload,
    auditor: Auditor,
    /// Simulated time in which traders act and validators report, ms.
    traded_ms: u64,
}

/// Tells a story on a cluster of a seed whose validators all run; the runtime's digest of all that
/// happened.
///
/// # Panics
/// When the story does, when a validator stops, and when the auditor finds something.
pub fn play(seed: u64, story: impl FnOnce(&Stage)) -> String {
    let (sender, receiver) = channel();
    let cluster = std::thread::spawn(move || perform(seed, &receiver));
    let stage = Stage(sender);
    story(&stage);
    stage.assert_in_order();
    drop(stage);
    match cluster.join() {
        Ok(digest) => digest,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn perform(seed: u64, requests: &Receiver<Request>) -> String {
    let start = UNIX_EPOCH + Duration::from_millis(START.0.unsigned_abs());
    let config =
        deterministic::Config::default().with_seed(seed).with_cycle(CYCLE).with_start_time(start);
    deterministic::Runner::new(config).start(|context| async move {
        let runtime = context.auditor();
        let mut actors = Actors::new(context, seed).await;
        // Whoever waits for the story keeps simulated time from passing.
        while let Ok(request) = requests.recv() {
            request(&mut actors).await;
        }
        runtime.state()
    })
}

impl Actors {
    async fn new(context: Context, seed: u64) -> Self {
        let inbox = Inbox::default();
        let cluster = context.child("cluster");
        let mut validators =
            Validators::new(cluster, VALIDATORS, Preset::Near, inbox.clone()).await;
        for index in 0..VALIDATORS {
            validators.start(index).await;
        }
        let ledger = genesis_ledger(VALIDATORS);
        let market = Market::new(seed, i64::from(u16::MAX));
        let workload = Workload::new(seed, market, &ledger, VALIDATORS);
        let auditor = Auditor::new(inbox, market, ledger, VALIDATORS);
        Self { context, validators, workload, auditor, traded_ms: 0 }
    }

    async fn sleep(&mut self, time: Duration) {
        self.context.sleep(time).await;
        self.auditor.listen();
    }

    /// A moment in which traders act and validators report, when it is their time.
    async fn tick(&mut self) {
        let time = now(&self.context);
        let is_due = |every: i64| self.traded_ms.is_multiple_of(every.unsigned_abs());
        if is_due(REPORT_EVERY_MS) {
            self.workload.report(&self.validators, time);
        }
        if is_due(TRADE_EVERY_MS) {
            self.workload.trade(&self.validators, self.auditor.ledger(), time);
        }
        self.traded_ms += TICK_MS;
        self.sleep(Duration::from_millis(TICK_MS)).await;
    }

    async fn trade_until(&mut self, height: u64) {
        for _ in 0..WAIT_MS / TICK_MS {
            if self.auditor.height() >= height || !self.auditor.findings().is_empty() {
                return;
            }
            self.tick().await;
        }
        let reached = self.auditor.height();
        let what = format!("waited for height {height} and is at {reached}");
        self.auditor.find(Rule::Progress, what);
    }

    async fn compare(&mut self) {
        for index in 0..VALIDATORS {
            if let Some(theirs) = self.validators.ledger(index).await {
                self.auditor.listen();
                self.auditor.compare(index, &theirs);
            }
        }
    }

    async fn submit(
        &mut self,
        index: usize,
        signed: SignedCommand,
    ) -> Option<Result<CommandId, Refusal>> {
        let mut door = self.validators.door(index)?;
        door.submit(vec![signed]).await.ok()?.pop()
    }

    fn insert(&self, index: usize, signed: SignedCommand) -> Result<CommandId, Refusal> {
        let (id, bytes) = (CommandId::of(&signed), signed.to_bytes().len());
        let mempool = self.validators.mempool(index);
        mempool.insert(id, signed, bytes, now(&self.context)).map(|()| id)
    }
}

impl Stage {
    /// Asks the cluster and waits for the answer.
    fn ask<T: Send + 'static>(
        &self,
        act: impl for<'a> FnOnce(&'a mut Actors) -> LocalBoxFuture<'a, T> + Send + 'static,
    ) -> T {
        let (answer, answered) = channel();
        let request: Request = Box::new(move |actors| {
            let acting = act(actors);
            // Who asked waits.
            async move { drop(answer.send(acting.await)) }.boxed_local()
        });
        let asked = self.0.send(request);
        match answered.recv() {
            Ok(answer) if asked.is_ok() => answer,
            _ => panic!("a validator has stopped the cluster"),
        }
    }

    /// Looks at the cluster and waits for the answer.
    fn see<T: Send + 'static>(&self, look: impl FnOnce(&Actors) -> T + Send + 'static) -> T {
        self.ask(|actors| {
            let seen = look(actors);
            async move { seen }.boxed_local()
        })
    }

    /// Nothing but time passes.
    pub fn sleep(&self, time: Duration) {
        self.ask(move |actors| actors.sleep(time).boxed_local());
    }

    /// Traders trade and validators report until the auditor has heard of a height.
    pub fn trade_until(&self, height: u64) {
        self.ask(move |actors| actors.trade_until(height).boxed_local());
        self.assert_in_order();
    }

    /// Connects the members of each group with each other, and nobody else.
    ///
    /// # Panics
    /// When a validator is in none of them.
    pub fn connect(&self, groups: &[&[usize]]) {
        let group = |index: usize| groups.iter().position(|group| group.contains(&index));
        let groups: Option<Vec<usize>> = (0..VALIDATORS).map(group).collect();
        let Some(groups) = groups else { panic!("every validator is in a group") };
        let weather = Weather { groups, ..Weather::default() };
        self.ask(|actors| {
            async move { actors.validators.set_weather(&weather).await }.boxed_local()
        });
    }

    /// Starts a validator on the files that it left.
    pub fn start(&self, index: usize) {
        self.ask(move |actors| actors.validators.start(index).boxed_local());
    }

    /// Stops a validator at one of its await points.
    pub fn crash(&self, index: usize) {
        self.ask(move |actors| async move { actors.validators.crash(index) }.boxed_local());
    }

    /// Brings a command to a validator, as a client does.
    ///
    /// # Panics
    /// When the validator does not run.
    pub fn submit(&self, index: usize, signed: SignedCommand) -> Result<CommandId, Refusal> {
        match self.ask(move |actors| actors.submit(index, signed).boxed_local()) {
            Some(answer) => answer,
            None => panic!("validator {index} does not run"),
        }
    }

    /// Puts a command into a validator's mempool behind its back.
    ///
    /// # Errors
    /// When the mempool refuses it.
    pub fn smuggle(&self, index: usize, signed: SignedCommand) -> Result<CommandId, Refusal> {
        self.see(move |actors| actors.insert(index, signed))
    }

    /// A trader's command that opens a sub-account, which succeeds once; each number is another.
    pub fn command(&self, trader: usize, number: u8) -> SignedCommand {
        self.see(move |actors| sub_account_command(actors.auditor.ledger(), trader, number))
    }

    /// How many commands wait at a validator.
    #[must_use]
    pub fn waiting(&self, index: usize) -> usize {
        self.see(move |actors| actors.validators.mempool(index).len())
    }

    /// The highest final block of each validator.
    #[must_use]
    pub fn heights(&self) -> Vec<u64> {
        self.see(|actors| (0..VALIDATORS).map(|one| actors.auditor.height_of(one)).collect())
    }

    /// The highest block that anybody has said is final.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.see(|actors| actors.auditor.height())
    }

    /// Trades in final blocks.
    #[must_use]
    pub fn trades(&self) -> u64 {
        self.see(|actors| actors.auditor.counts().trades)
    }

    /// How often a command is in a validator's final blocks.
    #[must_use]
    pub fn inclusions(&self, index: usize, id: CommandId) -> usize {
        self.see(move |actors| actors.auditor.inclusions(index, id))
    }

    /// Compares the state of every running validator with the auditor's.
    ///
    /// # Panics
    /// When the auditor has found something.
    pub fn assert_in_order(&self) {
        self.ask(|actors| actors.compare().boxed_local());
        let found = self.see(|actors| actors.auditor.findings().to_vec());
        assert!(found.is_empty(), "the auditor has findings: {found:?}");
    }
}
