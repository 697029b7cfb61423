//! The runtime's randomness for code that asks for it in the older form.
//!
//! Deliberately absent: seeds; whoever lends the generator vouches for it.

use lockstep_types::envelope::{CryptoRng, RngCore};

/// A generator of the runtime, seen as `rand_core` 0.6 has them.
pub struct Randomness<'a, R>(pub &'a mut R);

impl<R: rand::CryptoRng> RngCore for Randomness<'_, R> {
    fn next_u32(&mut self) -> u32 {
        rand::Rng::next_u32(self.0)
    }

    fn next_u64(&mut self) -> u64 {
        rand::Rng::next_u64(self.0)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(self.0, bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        rand::Rng::fill_bytes(self.0, bytes);
        Ok(())
    }
}

impl<R: rand::CryptoRng> CryptoRng for Randomness<'_, R> {}
