//! Validators that break the protocol: what they send instead of what they should.
//!
//! They have a seat and its key, and answer what they hear. They exist so that test networks and
//! simulations can show what becomes of them. Deliberately absent: colluding, and breaking
//! signatures.

use crate::block::{Digest, PublicKey};
use crate::epochs::behind_epoch;
use crate::intake::Message;
use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Finalize, Notarize, Nullify, Proposal, Vote};
use commonware_consensus::types::{Round, View};
use commonware_cryptography::sha256;
use commonware_p2p::utils::mux;
use commonware_p2p::{Receiver, Recipients, Sender};
use lockstep_types::chain::ChainCommand;
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::envelope::SignedCommand;
use lockstep_types::ids::{AccountId, SignerId};

/// What a validator does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malice {
    /// It votes to notarize and to finalize two blocks in each view.
    VotesTwice,
    /// It votes to skip each view and to finalize its block.
    SkipsAndFinalizes,
    /// It votes for blocks of ten views ago.
    VotesForThePast,
    /// It votes in the next epoch.
    VotesInAnotherEpoch,
    /// It sends bytes that are no message, on every channel.
    Babbles,
    /// It sends nothing at all.
    Withholds,
    /// It sends as many commands with wrong signatures and as many votes as it can.
    Floods,
}

impl Malice {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::VotesTwice,
        Self::SkipsAndFinalizes,
        Self::VotesForThePast,
        Self::VotesInAnotherEpoch,
        Self::Babbles,
        Self::Withholds,
        Self::Floods,
    ];

    /// Those that a simulation can afford: a flood is work for whoever is flooded.
    pub const SIMULATED: [Self; 6] = [
        Self::VotesTwice,
        Self::SkipsAndFinalizes,
        Self::VotesForThePast,
        Self::VotesInAnotherEpoch,
        Self::Babbles,
        Self::Withholds,
    ];

    /// Its name on command lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VotesTwice => "votes-twice",
            Self::SkipsAndFinalizes => "skips-and-finalizes",
            Self::VotesForThePast => "votes-for-the-past",
            Self::VotesInAnotherEpoch => "votes-in-another-epoch",
            Self::Babbles => "babbles",
            Self::Withholds => "withholds",
            Self::Floods => "floods",
        }
    }

    /// The malice of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|malice| malice.name() == name)
    }

    /// Whether it leaves evidence by which it must be slashed.
    #[must_use]
    pub fn is_offence(self) -> bool {
        matches!(self, Self::VotesTwice | Self::SkipsAndFinalizes)
    }
}

/// Messages that a flooding validator answers one vote with, on each of two channels.
const FLOOD_MESSAGES: usize = 64;
/// Commands in each of those on the channel of commands.
const FLOOD_COMMANDS: u64 = 128;
/// The channel of commands.
const COMMANDS_CHANNEL: usize = 5;

/// Commands whose signatures do not hold, each under another nonce.
fn forged(first_nonce: u64) -> Bytes {
    let signed = |nonce| SignedCommand {
        command: UserCommand {
            signer: SignerId(0),
            account: AccountId(0),
            nonce,
            valid_until: None,
            command: Command::Chain(Box::new(ChainCommand::Unjail)),
        },
        signature: [7; 64],
    };
    let commands = (first_nonce..first_nonce.saturating_add(FLOOD_COMMANDS)).map(signed);
    let commands = Bounded::new(commands.collect()).unwrap_or_default();
    Message::Commands(commands).to_bytes().into()
}

/// A block that nobody has.
fn other(digest: Digest) -> Digest {
    sha256::Digest(*blake3::hash(&digest.0).as_bytes())
}

fn votes(malice: Malice, scheme: &Scheme, heard: &Proposal<Digest>) -> Vec<Bytes> {
    let mut sent = Vec::new();
    let mut send = |vote: Option<Vote<Scheme, Digest>>| sent.extend(vote.map(|vote| vote.encode()));
    let notarize = |proposal| Notarize::sign(scheme, proposal).map(Vote::Notarize);
    let finalize = |proposal| Finalize::sign(scheme, proposal).map(Vote::Finalize);
    let round = heard.round;
    match malice {
        Malice::VotesTwice => {
            let twin = Proposal::new(round, heard.parent, other(heard.payload));
            send(notarize(heard.clone()));
            send(notarize(twin.clone()));
            send(finalize(heard.clone()));
            send(finalize(twin));
        }
        Malice::SkipsAndFinalizes => {
            send(Nullify::sign::<Digest>(scheme, round).map(Vote::Nullify));
            send(finalize(heard.clone()));
        }
        Malice::VotesForThePast => {
            let past = View::new(round.view().get().saturating_sub(10));
            let round = Round::new(round.epoch(), past);
            send(finalize(Proposal::new(round, heard.parent, heard.payload)));
        }
        Malice::VotesInAnotherEpoch => {
            let round = Round::new(round.epoch().next(), round.view());
            send(notarize(Proposal::new(round, heard.parent, heard.payload)));
        }
        Malice::Floods => {
            let vote = notarize(heard.clone()).map(|vote| vote.encode());
            sent.extend(std::iter::repeat_n(vote, FLOOD_MESSAGES).flatten());
        }
        Malice::Babbles | Malice::Withholds => {}
    }
    sent
}

/// Breaks the protocol until it is stopped. `scheme` is that of a committee with its seat: it
/// votes in any epoch with the same one.
pub async fn misbehave<SE, RE>(malice: Malice, scheme: Scheme, mut channels: Vec<(SE, RE)>)
where
    SE: Sender<PublicKey = PublicKey>,
    RE: Receiver<PublicKey = PublicKey>,
{
    let (mut heard, mut nonce) = (0_u64, 1_u64);
    loop {
        let Some((_, receiver)) = channels.first_mut() else { return };
        let Ok((_, bytes)) = receiver.recv().await else { return };
        heard += 1;
        // Votes of each epoch are behind its number.
        let Ok((epoch, bytes)) = mux::parse(bytes) else { continue };
        if malice == Malice::Babbles && heard.is_multiple_of(16) {
            let length = usize::try_from(heard % 300).unwrap_or(0);
            for (sender, _) in &mut channels {
                sender.send(Recipients::All, Bytes::from(vec![0xff; length]), false);
            }
        }
        if malice == Malice::Floods
            && let Some((sender, _)) = channels.get_mut(COMMANDS_CHANNEL)
        {
            for _ in 0..FLOOD_MESSAGES {
                sender.send(Recipients::All, forged(nonce), false);
                nonce = nonce.saturating_add(FLOOD_COMMANDS);
            }
        }
        let bytes: Bytes = bytes.into();
        let Ok(Vote::<Scheme, Digest>::Notarize(vote)) = Vote::decode(bytes) else { continue };
        let Some((sender, _)) = channels.first_mut() else { return };
        for vote in votes(malice, &scheme, &vote.proposal) {
            sender.send(Recipients::All, behind_epoch(epoch, &vote), true);
        }
    }
}
