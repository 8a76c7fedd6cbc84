//! Objects of rudo-gc that are held in each way that Rust programs hold things: `held KIND`. Prints what lives as one
//! line of JSON, and sleeps.
//!
//! 3,000 listeners are held and never let go: the leak. 300 more were held as well and were removed: each refers to
//! itself, so it stays allocated, as garbage. 100 holders of the kind with three listeners each refer to themselves, and
//! 60 listeners were dropped at once.

// Many things are held, and never read.
#![allow(dead_code)]

mod elsewhere;
mod listener;
mod objects;

use listener::{begin, tell_and_wait, Truth};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a kind builds: whatever keeps the listeners, and the truth.
pub type Built = (Box<dyn std::any::Any>, Truth);

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let kinds: Vec<_> = objects::KINDS.iter().chain(elsewhere::KINDS).collect();
    let Some((_, build)) = kinds.iter().find(|(name, _)| *name == kind) else {
        println!("{}", kinds.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" "));
        return;
    };
    begin();
    let (kept, truth) = build();
    tell_and_wait(&truth, &kept);
}
