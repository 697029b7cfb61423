//! What an order can say (M2, M3, M5).

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::ids::{GroupId, InstrumentId, OrderId};
use crate::units::{Lots, Price, TimeMs};
use crate::{codec_enum, codec_struct};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// Bytes in a label (A4, L3).
pub const LABEL_BYTES_MAX: usize = 64;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Adds to the position.
    Buy,
    /// Takes from the position.
    Sell,
}
codec_enum!(Side { 0 => Buy, 1 => Sell });

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `lots` with the sign of the direction. Amounts are positive once the rules have looked at
    /// them; `Lots::MIN`, which has no opposite, panics.
    #[must_use]
    pub const fn signed(self, lots: Lots) -> Lots {
        match self {
            Self::Buy => lots,
            Self::Sell => Lots(-lots.0),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

/// How long an order is good (M2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeInForce {
    /// Until cancelled.
    GoodTilCancelled,
    /// Until the next 08:00 UTC.
    GoodTilDay,
    /// What cannot trade at once is cancelled.
    ImmediateOrCancel,
    /// All at once or nothing.
    FillOrKill,
    /// Until the given time.
    GoodTil(TimeMs),
}
codec_enum!(TimeInForce {
    0 => GoodTilCancelled,
    1 => GoodTilDay,
    2 => ImmediateOrCancel,
    3 => FillOrKill,
    4 => GoodTil(time),
});

/// Whether an order may take (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostOnly {
    /// It may take.
    No,
    /// Refused if it would take.
    Reject,
    /// Re-priced to one tick inside the opposite touch if it would take.
    Reprice,
}
codec_enum!(PostOnly { 0 => No, 1 => Reject, 2 => Reprice });

/// What happens when an order would trade with one of its own account (M5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SelfTrade {
    /// The incoming order's rest is cancelled.
    CancelTaker,
    /// The resting order is cancelled.
    CancelMaker,
    /// Both are cancelled.
    CancelBoth,
}
codec_enum!(SelfTrade { 0 => CancelTaker, 1 => CancelMaker, 2 => CancelBoth });

/// The price that a trigger watches (M2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TriggerSource {
    /// The index of the underlying (P1).
    Index,
    /// The mark of the instrument (P3, P4).
    Mark,
    /// The last trade of the instrument.
    Last,
}
codec_enum!(TriggerSource { 0 => Index, 1 => Mark, 2 => Last });

/// When a dormant order wakes (M2). A *stop* buys when the price rises to its trigger and sells
/// when it falls to it; a *take* the other way round; a *trailing* stop's trigger follows the best
/// price seen at a fixed distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TriggerKind {
    /// At `price`, against the order's holder.
    Stop {
        /// Trigger price.
        price: Price,
    },
    /// At `price`, in favour of the order's holder.
    Take {
        /// Trigger price.
        price: Price,
    },
    /// `offset` away from the best price since the order was placed.
    Trailing {
        /// Distance, positive.
        offset: Price,
    },
}
codec_enum!(TriggerKind { 0 => Stop { price }, 1 => Take { price }, 2 => Trailing { offset } });

/// A trigger: what is watched, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigger {
    /// The price that is watched.
    pub source: TriggerSource,
    /// When it fires.
    pub kind: TriggerKind,
}
codec_struct!(Trigger { source, kind });

/// A client's own name for an order, unique among the account's open orders (A4): at most 64 bytes
/// of UTF-8 without control characters, not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Box<str>);

impl Label {
    /// The label `text`.
    ///
    /// # Errors
    /// `TooLong` above 64 bytes; `Invalid` when empty or with control characters.
    pub fn new(text: &str) -> Result<Self, DecodeError> {
        let invalid = |why| Err(DecodeError::new(DecodeErrorKind::Invalid(why)).within("label"));
        if text.len() > LABEL_BYTES_MAX {
            let kind = DecodeErrorKind::TooLong { count: text.len(), limit: LABEL_BYTES_MAX };
            return Err(DecodeError::new(kind).within("label"));
        }
        if text.is_empty() {
            return invalid("a label is not empty");
        }
        if text.chars().any(char::is_control) {
            return invalid("a label has no control characters");
        }
        Ok(Self(text.into()))
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Encode for Label {
    fn encode(&self, out: &mut Vec<u8>) {
        let bytes = self.0.as_bytes();
        let count = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        assert!(usize::from(count) <= LABEL_BYTES_MAX, "a label is short by construction");
        count.encode(out);
        out.extend_from_slice(bytes);
    }
}

impl Decode for Label {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = usize::from(u8::decode(reader)?);
        if count > LABEL_BYTES_MAX {
            let kind = DecodeErrorKind::TooLong { count, limit: LABEL_BYTES_MAX };
            return Err(DecodeError::new(kind).within("label"));
        }
        let text = core::str::from_utf8(reader.take(count)?)
            .map_err(|_| DecodeError::new(DecodeErrorKind::Invalid("not UTF-8")).within("label"))?;
        Self::new(text)
    }
}

/// A new order (M2, M3). `price` absent means a market order; `trigger` present means that it
/// sleeps until the trigger fires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NewOrder {
    /// What to trade.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much, positive.
    pub lots: Lots,
    /// Limit price; `None` for a market order, which trades within the protection band around
    /// mark and cancels its rest (M2).
    pub price: Option<Price>,
    /// How long it is good.
    pub time_in_force: TimeInForce,
    /// Whether it may take.
    pub post_only: PostOnly,
    /// Whether it may only shrink the position (M3).
    pub reduce_only: bool,
    /// Iceberg: how much of it is shown at a time (M3).
    pub display: Option<Lots>,
    /// What happens on meeting an order of the same account.
    pub self_trade: SelfTrade,
    /// The market maker protection group it counts towards (M9).
    pub protection: Option<GroupId>,
    /// Sleeps until this fires.
    pub trigger: Option<Trigger>,
    /// The client's own name for it.
    pub label: Option<Label>,
}
codec_struct!(NewOrder {
    instrument,
    side,
    lots,
    price,
    time_in_force,
    post_only,
    reduce_only,
    display,
    self_trade,
    protection,
    trigger,
    label,
});

impl NewOrder {
    /// A plain limit order, good till cancelled.
    #[must_use]
    pub fn limit(instrument: InstrumentId, side: Side, lots: Lots, price: Price) -> Self {
        Self {
            instrument,
            side,
            lots,
            price: Some(price),
            time_in_force: TimeInForce::GoodTilCancelled,
            post_only: PostOnly::No,
            reduce_only: false,
            display: None,
            self_trade: SelfTrade::CancelTaker,
            protection: None,
            trigger: None,
            label: None,
        }
    }

    /// A plain market order.
    #[must_use]
    pub fn market(instrument: InstrumentId, side: Side, lots: Lots) -> Self {
        Self {
            price: None,
            time_in_force: TimeInForce::ImmediateOrCancel,
            ..Self::limit(instrument, side, lots, Price::ZERO)
        }
    }
}

/// Which order is meant: by handle, or by the client's own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderTarget {
    /// The engine's handle.
    Id(OrderId),
    /// The client's label (A4).
    Label(Label),
}
codec_enum!(OrderTarget { 0 => Id(id), 1 => Label(label) });

/// A change of an open order (M4); absent fields stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amend {
    /// The order.
    pub target: OrderTarget,
    /// New total amount, what has filled included.
    pub lots: Option<Lots>,
    /// New limit price.
    pub price: Option<Price>,
    /// New trigger price, or new offset of a trailing stop; only while the order sleeps.
    pub trigger_price: Option<Price>,
}
codec_struct!(Amend { target, lots, price, trigger_price });
