//! The record of a run: a line of JSON that names the chain, then one for each command.
//!
//! ```text
//! {"chain":"<64 digits>"}
//! {"id":"<64 digits>","signer":7,"nonce":1,"sent_ms":1,"outcome":"final",
//!  "height":9,"latency_us":5}
//! ```
//!
//! Invariants: a line is written whole, and soon after its command was settled; what does not read
//! is refused with its line. A last line without an end is what a killed writer leaves, and is no
//! line. Deliberately absent: order; commands are settled as it happens.

use crate::failure::Failure;
use lockstep_client::hex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// It is in a final block: acknowledged.
    Final {
        /// The block's height.
        height: u64,
        /// From sending to seeing it, us.
        latency_us: u64,
    },
    /// No node took it.
    Refused {
        /// Why, by name.
        code: String,
    },
    /// No block had it while it was good.
    Expired {
        /// Whether a node had taken it.
        taken: bool,
    },
    /// The run ended before.
    Unknown {
        /// Whether a node had taken it.
        taken: bool,
    },
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its name: blake3 of its encoding.
    pub id: String,
    /// Who signed it.
    pub signer: u32,
    /// Its nonce.
    pub nonce: u64,
    /// When it was sent, ms since 1970.
    pub sent_ms: i64,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
struct Heading {
    chain: String,
}

/// A record that is being written.
pub struct Record {
    path: PathBuf,
    file: File,
}

impl Record {
    /// Begins a record in a file that is written over.
    pub fn create(path: &Path, chain: &[u8; 32]) -> Result<Self, Failure> {
        let file = File::create(path).map_err(Failure::file(path))?;
        let mut record = Self { path: path.to_path_buf(), file };
        record.write(&[Heading { chain: hex::encode(chain) }])?;
        Ok(record)
    }

    /// Appends lines.
    pub fn add(&mut self, lines: &[Line]) -> Result<(), Failure> {
        self.write(lines)
    }

    fn write(&mut self, lines: &[impl Serialize]) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        for line in lines {
            let json = serde_json::to_vec(line);
            bytes.extend(json.map_err(|error| Failure::Output(error.into()))?);
            bytes.push(b'\n');
        }
        self.file.write_all(&bytes).map_err(Failure::file(&self.path))
    }
}

/// What a record says was acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The chain's id, in hexadecimal digits.
    pub chain: String,
    /// Commands by the height of their block.
    pub commands: BTreeMap<u64, BTreeSet<[u8; 32]>>,
    /// How many there are.
    pub count: u64,
}

/// Reads a record.
pub fn read(path: &Path) -> Result<Acknowledged, Failure> {
    let mut reader = BufReader::new(File::open(path).map_err(Failure::file(path))?);
    let mut found: Option<Acknowledged> = None;
    for number in 1_u64.. {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(Failure::file(path))?;
        if !line.ends_with('\n') {
            break;
        }
        let wrong =
            |why: String| Failure::Broken(format!("{}: line {number}: {why}", path.display()));
        let Some(acknowledged) = &mut found else {
            let heading: Heading =
                serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
            let (commands, count) = (BTreeMap::new(), 0);
            found = Some(Acknowledged { chain: heading.chain, commands, count });
            continue;
        };
        let line: Line = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        if let Outcome::Final { height, .. } = line.outcome {
            let id = hex::decode_32(&line.id);
            let id = id.ok_or_else(|| wrong("id: not 64 hexadecimal digits".to_string()))?;
            if !acknowledged.commands.entry(height).or_default().insert(id) {
                return Err(wrong("id: there twice".to_string()));
            }
            acknowledged.count += 1;
        }
    }
    found.ok_or_else(|| Failure::Broken(format!("{}: it is empty", path.display())))
}
