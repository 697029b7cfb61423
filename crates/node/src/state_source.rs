//! Where a joining node gets the state of others, and serves its own.
//!
//! The library's resolver carries entries of a store's log whose decoding needs no configuration;
//! entries with keys and values of any length are configured by what their parts are, which here is
//! nothing. [`Entry`] bridges the two, in both directions. Invariants: whatever peers send is
//! checked against a certified root by the library before it is used. Deliberately absent: which
//! state is asked for, which is the library's to decide.

use crate::block::Digest;
use crate::store::{Operation, Store};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, Read, Write};
use commonware_glue::stateful::db::p2p::{Mailbox, ResponseDropped};
use commonware_glue::stateful::db::{AttachableResolver, Shared};
use commonware_runtime::Spawner;
use commonware_storage::mmr::Family;
use commonware_storage::qmdb::sync::{Feedback, Request, Response, ServeError, Source, source};
use commonware_storage::{Context as StorageContext, mmr};
use commonware_utils::channel::{mpsc, oneshot};
use std::sync::Arc;

/// An entry of a store's log as it goes over the network.
#[derive(Clone, Debug)]
pub struct Entry(Operation);

impl Write for Entry {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl EncodeSize for Entry {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl Read for Entry {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Operation::read_cfg(buf, &((), ())).map(Self)
    }
}

impl From<Operation> for Entry {
    fn from(operation: Operation) -> Self {
        Self(operation)
    }
}

impl From<Entry> for Operation {
    fn from(entry: Entry) -> Self {
        entry.0
    }
}

/// A response with other entries.
pub(crate) fn map<A, B>(
    response: Response<Family, A, Digest>,
    other: impl Fn(A) -> B,
) -> Response<Family, B, Digest> {
    match response {
        Response::Operations { proof, operations } => {
            let operations = operations.into_iter().map(other).collect();
            Response::Operations { proof, operations }
        }
        Response::Boundary { proof, op, pinned_nodes } => {
            Response::Boundary { proof, op: other(op), pinned_nodes }
        }
    }
}

/// A store as it is served.
pub struct Served<E: StorageContext + Spawner>(Shared<Store<E>>);

impl<E: StorageContext + Spawner> Source for Served<E> {
    type Family = mmr::Family;
    type Digest = Digest;
    type Op = Entry;
    type Error = ServeError<mmr::Family>;

    async fn serve(&self, request: Request<Family>) -> source::Result<Self> {
        let (response, _) = self.0.serve(request).await?;
        Ok((map(response, Entry), None))
    }
}

/// The network as a source of a store's entries.
pub struct StateSource<E: StorageContext + Spawner> {
    context: Arc<E>,
    network: Mailbox<Served<E>, Family, Entry, Digest>,
}

impl<E: StorageContext + Spawner> Clone for StateSource<E> {
    fn clone(&self) -> Self {
        Self { context: Arc::clone(&self.context), network: self.network.clone() }
    }
}

impl<E: StorageContext + Spawner> StateSource<E> {
    /// A source that asks through the resolver of this mailbox.
    #[must_use]
    pub fn new(context: E, network: Mailbox<Served<E>, Family, Entry, Digest>) -> Self {
        Self { context: Arc::new(context), network }
    }
}

type Answer = Response<Family, Entry, Digest>;
type Verdict = oneshot::Sender<bool>;

/// Passes verdicts on answers back, and other peers' answers on, until one is accepted.
async fn judge(
    mut feedback: Feedback<Answer>,
    mut verdict: oneshot::Receiver<bool>,
    candidates: mpsc::Sender<(Response<Family, Operation, Digest>, Verdict)>,
) {
    while let Ok(is_good) = verdict.await {
        if is_good {
            feedback.accept();
            return;
        }
        let Some((answer, next)) = feedback.reject().await else { return };
        let (sender, receiver) = oneshot::channel();
        if candidates.send((map(answer, |entry| entry.0), sender)).await.is_err() {
            return;
        }
        (feedback, verdict) = (next, receiver);
    }
}

impl<E: StorageContext + Spawner> Source for StateSource<E> {
    type Family = mmr::Family;
    type Digest = Digest;
    type Op = Operation;
    type Error = ResponseDropped;

    async fn serve(&self, request: Request<Family>) -> source::Result<Self> {
        let (answer, feedback) = self.network.serve(request).await?;
        let feedback = feedback.map(|feedback| {
            let (sender, verdict) = oneshot::channel();
            let (candidates, others) = mpsc::channel(1);
            self.context.child("verdict").spawn(|_| judge(feedback, verdict, candidates));
            Feedback::new(sender, others)
        });
        Ok((map(answer, |entry| entry.0), feedback))
    }
}

impl<E: StorageContext + Spawner> AttachableResolver<Store<E>> for StateSource<E> {
    async fn attach_database(&self, store: Shared<Store<E>>) {
        self.network.attach_database(Shared::new("served", Served(store)));
    }
}
