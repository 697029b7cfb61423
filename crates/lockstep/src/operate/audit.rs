//! `lockstep audit`: all final blocks executed again, and whatever is wrong with them named;
//! `lockstep snapshot`: the state after a block in a file, from which an audit may begin.
//!
//! Blocks come from a node's files, from a node over HTTP, or from a file of frames as nodes hand
//! them out. Invariants: nothing but the genesis is believed; the exit code is 1 if anything is
//! wrong, and height and field are said. Deliberately absent: repair.

use super::believed;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::proof::{about, read, read_genesis};
use crate::report::number::micro_usd;
use crate::report::{Block, Column, Report, Table, time};
use clap::{ArgGroup, Args};
use lockstep_client::frames::Frame;
use lockstep_client::limits::PAGE_BLOCKS_MAX;
use lockstep_client::{NodeError, RemoteNode, hex};
use lockstep_ledger::Genesis;
use lockstep_node::audit::snapshot::{SNAPSHOT_BYTES_MAX, Snapshot};
use lockstep_node::audit::{Audited, Beginning, Blocks, Care, audit_blocks, audit_files};
use lockstep_node::block::Block as FinalBlock;
use lockstep_node::light::bundle::HANDOVERS_BYTES_MAX;
use lockstep_node::light::{Handover, read_handovers};
use lockstep_types::codec::{Decode as _, Reader};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// Arguments of `lockstep audit`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("source"))]
pub struct Arguments {
    /// Folder of a node's files, which are copied first: the node may be running.
    #[arg(long, value_name = "DIR", group = "source")]
    data: Option<PathBuf>,
    /// A node that is asked for its blocks, up to the last that it has when the audit begins.
    #[arg(long, value_name = "URL", group = "source")]
    node: Option<String>,
    /// A file of frames, as `/v1/blocks` answers them.
    #[arg(long, value_name = "FILE", group = "source")]
    frames: Option<PathBuf>,
    /// A snapshot whose state the audit begins with, once it has been checked; without one it
    /// begins with the genesis. Without blocks it is all that is checked.
    #[arg(long, value_name = "FILE")]
    from_snapshot: Option<PathBuf>,
    /// The chain's genesis, which is believed. Without it, genesis.bin in the folder or the one
    /// above, or what the node says it is.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// With `--frames`: handovers, for epochs whose last block comes without its certificate.
    #[arg(long, value_name = "FILE", requires = "frames")]
    handovers: Option<PathBuf>,
    /// Which validator's files, where a folder has those of several.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    validator: u16,
    /// Look at every invariant and not at sums alone after every so many blocks.
    #[arg(long, value_name = "BLOCKS", default_value_t = 100,
          value_parser = clap::value_parser!(u64).range(1..))]
    everything: u64,
}

/// Blocks of a node, page by page, up to a height.
struct Pages {
    node: RemoteNode,
    /// The height of the first block in the page.
    next: u64,
    last: u64,
    page: VecDeque<Frame>,
}

impl Pages {
    fn new(node: RemoteNode) -> Result<Self, NodeError> {
        let last = node.status()?.height;
        Ok(Self { node, next: 1, last, page: VecDeque::new() })
    }
}

impl Blocks for Pages {
    fn block(&mut self, height: u64) -> Result<Option<Frame>, String> {
        if height > self.last {
            return Ok(None);
        }
        if self.page.is_empty() || height != self.next {
            let left = self.last.saturating_sub(height).saturating_add(1);
            let frames = self.node.blocks(height, left.min(PAGE_BLOCKS_MAX));
            self.page = frames.map_err(|error| error.to_string())?.into();
        }
        self.next = height.saturating_add(1);
        let frame = self.page.pop_front();
        frame.map(Some).ok_or_else(|| format!("{}: no block {height}", self.node.url()))
    }

    fn handover(&mut self, epoch: u64) -> Result<Option<Handover>, String> {
        let bytes = self.node.handovers(epoch).map_err(|error| error.to_string())?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let wrong = |error| format!("{}: handover of epoch {epoch}: {error}", self.node.url());
        Handover::decode(&mut Reader::new(&bytes)).map(Some).map_err(wrong)
    }

    fn last(&self) -> u64 {
        self.last
    }
}

/// Blocks of a file.
#[derive(Default)]
struct Read {
    frames: Vec<Frame>,
    /// The height that the first of them says it has.
    first: u64,
    handovers: Vec<Handover>,
}

impl Read {
    fn new(frames: &Path, handovers: Option<&Path>) -> Result<Self, Failure> {
        let bytes = fs::read(frames).map_err(Failure::file(frames))?;
        let read_frames = Frame::read_all(&bytes);
        let wrong = |error| Failure::Broken(format!("{}: {error}", frames.display()));
        let handovers = match handovers {
            Some(path) => read_handovers(&read(path, HANDOVERS_BYTES_MAX)?).map_err(about(path))?,
            None => Vec::new(),
        };
        let frames = read_frames.map_err(wrong)?;
        let first = frames.first().and_then(|frame| FinalBlock::from_bytes(&frame.block).ok());
        let first = first.map_or(1, |block| block.header().height);
        Ok(Self { frames, first, handovers })
    }
}

impl Blocks for Read {
    fn block(&mut self, height: u64) -> Result<Option<Frame>, String> {
        let place = height.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if place.is_none() {
            return Err(format!("the blocks begin with {}, not with {height}", self.first));
        }
        // Each is asked for once.
        Ok(place.and_then(|place| self.frames.get_mut(place)).map(std::mem::take))
    }

    fn handover(&mut self, epoch: u64) -> Result<Option<Handover>, String> {
        let next = epoch.saturating_add(1);
        Ok(self.handovers.iter().find(|handover| handover.committee.epoch == next).cloned())
    }

    fn last(&self) -> u64 {
        let count = u64::try_from(self.frames.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(count).saturating_sub(1)
    }
}

/// Where a node's genesis is: in its folder, or beside it.
fn genesis_near(data: &Path) -> PathBuf {
    let (inside, beside) = (data.join("genesis.bin"), data.join("../genesis.bin"));
    if !inside.exists() && beside.exists() { beside } else { inside }
}

/// Runs `lockstep audit`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let has_blocks =
        arguments.data.is_some() || arguments.node.is_some() || arguments.frames.is_some();
    if !has_blocks && arguments.from_snapshot.is_none() {
        let what = "--data, --node, --frames or --from-snapshot: one is needed";
        return Err(Failure::Usage(what.to_string()));
    }
    let nodes: Vec<RemoteNode> = arguments.node.iter().map(|url| RemoteNode::new(url)).collect();
    let near = arguments.data.as_deref().map(genesis_near);
    let genesis = believed(arguments.genesis.as_deref().or(near.as_deref()), &nodes)?;
    let snapshot = arguments.from_snapshot.as_deref().map(read_snapshot).transpose()?;
    let beginning = Beginning { genesis: &genesis, snapshot: snapshot.as_ref() };
    let mut progress = None;
    let audited = audit(arguments, beginning, nodes, &mut |done, of| {
        progress.get_or_insert_with(|| Progress::start("audit", of, "blocks")).set(done);
    });
    if let Some(progress) = progress {
        progress.finish();
    }
    let audited = audited?;
    if audited.height == 0 {
        return Err(Failure::Broken("there is no block to look at".to_string()));
    }
    output::print(&report(&genesis, &audited))
}

fn read_snapshot(path: &Path) -> Result<Snapshot, Failure> {
    let about = |why: String| Failure::Broken(format!("{}: {why}", path.display()));
    let bytes = fs::metadata(path).map_err(Failure::file(path))?.len();
    if bytes > SNAPSHOT_BYTES_MAX {
        return Err(about(format!("{bytes} bytes exceed the limit of {SNAPSHOT_BYTES_MAX}")));
    }
    let bytes = fs::read(path).map_err(Failure::file(path))?;
    Snapshot::from_file(&bytes).map_err(|error| about(error.to_string()))
}

fn audit(
    arguments: &Arguments,
    beginning: Beginning<'_>,
    nodes: Vec<RemoteNode>,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Audited, Failure> {
    let care = Care { everything_blocks: arguments.everything };
    let outcome = match (&arguments.data, nodes.into_iter().next(), &arguments.frames) {
        (Some(data), _, _) => {
            let prefix = format!("validator-{}", arguments.validator);
            audit_files(data, &prefix, beginning, care, tell)
        }
        (None, Some(node), _) => audit_blocks(beginning, care, &mut Pages::new(node)?, tell),
        (None, None, Some(path)) => {
            let mut blocks = Read::new(path, arguments.handovers.as_deref())?;
            audit_blocks(beginning, care, &mut blocks, tell)
        }
        (None, None, None) => audit_blocks(beginning, care, &mut Read::default(), tell),
    };
    outcome.map_err(|error| Failure::Broken(error.to_string()))
}

/// Arguments of `lockstep snapshot`.
#[derive(Args, Clone, Debug)]
pub struct SnapshotArguments {
    /// Folder of a node's files, which are copied first: the node may be running.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file that the snapshot goes to.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The chain's genesis; without it, genesis.bin in the folder or the one above.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Which validator's files, where a folder has those of several.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    validator: u16,
}

/// Runs `lockstep snapshot`.
pub fn snapshot(arguments: &SnapshotArguments) -> Result<(), Failure> {
    let near = genesis_near(&arguments.data);
    let genesis = read_genesis(arguments.genesis.as_deref().unwrap_or(&near))?;
    let prefix = format!("validator-{}", arguments.validator);
    let made = Snapshot::of_files(&arguments.data, &prefix, &genesis);
    let made = made.map_err(|error| Failure::Broken(error.to_string()))?;
    let bytes = made.to_file();
    fs::write(&arguments.out, &bytes).map_err(Failure::file(&arguments.out))?;
    output::line(&format!(
        "{}: {} bytes, the state after block {}",
        arguments.out.display(),
        bytes.len(),
        made.certified.header().height,
    ))
}

fn report(genesis: &Genesis, audited: &Audited) -> Report {
    let mut report = Report::new("Audit", "What was looked at holds, all of it.");
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    report.provenance("chain", hex::encode(&genesis.chain_id().0));
    report.provenance("state root", hex::encode(&audited.state_root));
    let moment = audited.time.0;
    let began = match audited.first {
        0 => "the genesis".to_string(),
        height => format!("a snapshot after block {height}"),
    };
    let rows = [
        ("state to begin with", began),
        ("blocks executed", (audited.height - audited.first).to_string()),
        ("the last of them", audited.height.to_string()),
        ("its time", format!("{}, {} UTC", time::date(moment), time::clock(moment, 1))),
        ("its epoch", audited.epoch.to_string()),
        ("vouched for up to block", audited.certified.to_string()),
        ("certificates", audited.certificates.to_string()),
        ("committees handed over to", audited.committees.to_string()),
        ("commands", audited.commands.to_string()),
        ("reports, deposits, evidence", audited.items.to_string()),
        ("events", audited.events.to_string()),
        ("looks at every invariant", audited.looks.to_string()),
        ("accounts", audited.accounts.to_string()),
        ("held by the bridge, USD", micro_usd(audited.escrow.0.into())),
        ("deficits of accounts, USD", micro_usd(audited.deficit)),
        ("insurance funds, USD", micro_usd(audited.insurance.0.into())),
    ];
    let table = Table {
        title: "Chain".to_string(),
        note: "Of each block: its parent, its leader, its signatures, the roots of its events and \
               of the state, and that stake and money add up."
            .to_string(),
        columns: vec![Column::words("what"), Column::numbers("value")],
        rows: rows.into_iter().map(|(what, value)| vec![what.to_string(), value]).collect(),
    };
    report.section("What was looked at", vec![Block::Table(table)]);
    report
}
