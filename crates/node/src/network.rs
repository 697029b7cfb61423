//! Sockets: validators find each other by address and speak over authenticated, encrypted TCP.
//!
//! Invariants: nobody who is not of the committee gets past the handshake; no message is longer
//! than [`message_bytes_max`]. Deliberately absent: discovery; addresses are configuration.

use crate::block::PublicKey;
use crate::validator::{CHANNELS, QUOTA, StartError, message_bytes_max};
use commonware_cryptography::{ChaCha20Poly1305, Signer as _, ed25519};
use commonware_p2p::authenticated::lookup;
use commonware_p2p::{Address, AddressableManager as _};
use commonware_runtime::{Quota, Supervisor as _, tokio::Context};
use commonware_stream::cups::{self, Cups};
use commonware_stream::sake::{self, Sake};
use commonware_utils::ordered::Map;
use commonware_utils::{NZU32, NZUsize};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Domain of handshakes, in front of the chain's id.
const HANDSHAKE_DOMAIN: &[u8] = b"lockstep/handshake/v1";
/// Messages that wait for the network at most.
const MAILBOX: NonZeroUsize = NZUsize!(1_024);

/// Where a validator listens.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Its key.
    pub key: PublicKey,
    /// Its address.
    pub address: SocketAddr,
}

/// How this node joins.
#[derive(Clone)]
pub struct NetworkConfig {
    /// Its key.
    pub key: ed25519::PrivateKey,
    /// The chain's id: other chains' nodes are strangers.
    pub chain: [u8; 32],
    /// Where it listens.
    pub listen: SocketAddr,
    /// The committee with addresses, this node included.
    pub neighbours: Vec<Neighbour>,
}

/// Who manages and blocks peers.
pub type Oracle = lookup::Oracle<PublicKey>;
/// One channel's two ends.
pub type Channel = (lookup::Sender<PublicKey, Context>, lookup::Receiver<PublicKey>);

/// Joins the network: who manages peers, and the channels of [`CHANNELS`] in order.
///
/// # Errors
/// When there are more neighbours than can be counted.
pub fn join(
    context: &Context,
    config: NetworkConfig,
) -> Result<(Oracle, Vec<Channel>), StartError> {
    let count = config.neighbours.len();
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: config.key.clone(),
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let peers_max = NonZeroUsize::new(count.saturating_add(1)).ok_or(StartError::Channels)?;
    let mut p2p = lookup::Config::local(
        handshake,
        &[HANDSHAKE_DOMAIN, &config.chain].concat(),
        config.listen,
        peers_max,
        message_bytes_max(),
        MAILBOX,
    );
    // Several validators of one operator, or of a test network, share an address.
    p2p.allowed_handshake_rate_per_ip = Quota::per_second(NZU32!(512));
    let (mut network, mut oracle) = lookup::Network::new(context.child("network"), p2p);
    let peers: Map<PublicKey, Address> = Map::from_iter_dedup(
        config
            .neighbours
            .into_iter()
            .map(|neighbour| (neighbour.key, Address::Symmetric(neighbour.address))),
    );
    oracle.track(0, peers);
    let channels = CHANNELS.iter().map(|(channel, _)| network.register(*channel, QUOTA)).collect();
    network.start();
    Ok((oracle, channels))
}

/// The public key of a private one.
#[must_use]
pub fn public_key(key: &ed25519::PrivateKey) -> PublicKey {
    key.public_key()
}
