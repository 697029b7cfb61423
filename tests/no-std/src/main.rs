//! A program without the standard library that links the pure crates and runs a little of them.
//!
//! It brings its own panic handler and allocator. If any crate below it pulled in `std`, the
//! compiler would refuse the second panic handler, so that building this is the proof. Only the C
//! library is linked, for `main`, memory and exit.
#![no_std]
#![no_main]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};

use lockstep_exchange as _;
use lockstep_ledger as _;
use lockstep_types::{Signer, Verifier};

#[link(name = "c")]
unsafe extern "C" {
    fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
    fn abort() -> !;
    fn write(file: c_int, bytes: *const c_void, len: usize) -> isize;
}

/// Memory from the C library.
struct CMemory;

// SAFETY: `aligned_alloc` returns null or a block of the given alignment and at least the given
// size that stays valid until `free`, which is the contract of `GlobalAlloc`.
unsafe impl GlobalAlloc for CMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // C wants the size to be a multiple of the alignment.
        let size = layout.pad_to_align().size();
        // SAFETY: a layout's alignment is a power of two.
        unsafe { aligned_alloc(layout.align().max(size_of::<usize>()), size).cast() }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        // SAFETY: the caller passes a pointer that `alloc` returned.
        unsafe { free(pointer.cast()) }
    }
}

#[global_allocator]
static MEMORY: CMemory = CMemory;

#[panic_handler]
fn stop(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: `abort` has no preconditions.
    unsafe { abort() }
}

/// The toolchain's `alloc` was compiled to unwind and names these two; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: `abort` has no preconditions.
    unsafe { abort() }
}

/// Entry point that the C runtime calls: signs a message, checks it, and prints a part of it.
#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const u8) -> c_int {
    let signer = Signer::from_seed([7; 32]);
    let signature = signer.sign_message(b"no-std");
    let verified = Verifier::new(signer.public_key())
        .is_ok_and(|key| key.verify_message(b"no-std", signature).is_ok());
    assert!(verified, "a signature of our own is good");
    let line = alloc::format!("signed without std: {:02x?}\n", &signature[..8]);
    // SAFETY: the pointer and the length are those of a live string.
    unsafe { write(1, line.as_ptr().cast(), line.len()) };
    0
}
