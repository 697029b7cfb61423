//! Prices: index, forwards, smiles, marks, funding (P1 to P6).
pub(crate) mod funding;
pub(crate) mod index;
pub(crate) mod mark;
