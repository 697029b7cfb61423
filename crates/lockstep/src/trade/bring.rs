//! Carries commands to nodes: to another one when one is dead, and the same bytes each time.
//!
//! Invariants: what waits to be brought is bounded; a node that did not answer is left alone for a
//! while unless all are so; an answer says whether another node may have the command too.
//! Deliberately absent: patience; what nobody took is the caller's to bring again.

use super::outcomes::Answer;
use lockstep_client::node::is_full;
use lockstep_client::{NodeError, RemoteNode};
use lockstep_node::signatures::CommandId;
use lockstep_types::envelope::SignedCommand;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// Batches that wait to be brought at most.
const QUEUE_MAX: usize = 32;
/// Carriers at most.
const CARRIERS_MAX: usize = 8;
/// How long a node that did not answer is left alone.
const REST: Duration = Duration::from_secs(1);
/// Between two nodes.
const PAUSE: Duration = Duration::from_millis(20);

/// What nodes said, command by command.
pub type Answers = Vec<(CommandId, Answer)>;

/// Starts carriers: where batches go in, and where answers come out. They end when nobody brings
/// anything more.
pub fn start(nodes: &[RemoteNode]) -> (SyncSender<Vec<SignedCommand>>, Receiver<Answers>) {
    let (queue, batches) = sync_channel(QUEUE_MAX);
    let (tell, answers) = channel();
    let batches = Arc::new(Mutex::new(batches));
    for first in 0..nodes.len().clamp(2, CARRIERS_MAX) {
        let resting = vec![None; nodes.len()];
        let carrier = Carrier { nodes: nodes.to_vec(), resting, next: first };
        let (batches, tell) = (Arc::clone(&batches), tell.clone());
        spawn(move || carrier.run(&batches, &tell));
    }
    (queue, answers)
}

struct Carrier {
    nodes: Vec<RemoteNode>,
    resting: Vec<Option<Instant>>,
    next: usize,
}

impl Carrier {
    fn run(mut self, batches: &Mutex<Receiver<Vec<SignedCommand>>>, tell: &Sender<Answers>) {
        loop {
            // Whoever holds the lock waits for the next batch; the others for the lock.
            let batch = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = batch else { return };
            if tell.send(self.bring(batch)).is_err() {
                return;
            }
        }
    }

    /// The next node that answered of late, or simply the next.
    fn pick(&mut self) -> usize {
        let count = self.nodes.len().max(1);
        let turn = |step: usize| (self.next + step) % count;
        let is_awake = |place: &usize| {
            let since = self.resting.get(*place).copied().flatten();
            since.is_none_or(|since| since.elapsed() > REST)
        };
        let chosen = (0..count).map(turn).find(is_awake).unwrap_or_else(|| turn(0));
        self.next = chosen + 1;
        chosen
    }

    fn bring(&mut self, batch: Vec<SignedCommand>) -> Answers {
        let mut answers = Vec::new();
        let (mut left, mut is_certain) = (batch, true);
        for _ in 0..2 * self.nodes.len() {
            if left.is_empty() {
                break;
            }
            let place = self.pick();
            let Some(node) = self.nodes.get(place) else { break };
            match node.submit(&left) {
                Ok(taken) => {
                    let mut full = Vec::new();
                    for (signed, taken) in left.into_iter().zip(taken) {
                        if is_full(&taken) {
                            full.push(signed);
                            continue;
                        }
                        let code = taken.code.unwrap_or_else(|| "unnamed".to_string());
                        let refused = Answer::Refused { code, is_certain };
                        let answer = if taken.accepted { Answer::Taken } else { refused };
                        answers.push((CommandId::of(&signed), answer));
                    }
                    left = full;
                }
                Err(error) if error.may_pass() => {
                    // It may have taken them and died before it could say so.
                    is_certain &= !matches!(error, NodeError::Unreachable { .. });
                    if let Some(resting) = self.resting.get_mut(place) {
                        *resting = Some(Instant::now());
                    }
                }
                Err(error) => {
                    let code = match error {
                        NodeError::Refused { status, .. } => format!("status {status}"),
                        NodeError::TooMuch { field, .. } => format!("too many {field}"),
                        _ => "no answer that makes sense".to_string(),
                    };
                    let refused = Answer::Refused { code, is_certain };
                    let all = left.iter().map(|signed| (CommandId::of(signed), refused.clone()));
                    answers.extend(all);
                    return answers;
                }
            }
            if !left.is_empty() {
                sleep(PAUSE);
            }
        }
        answers
    }
}
