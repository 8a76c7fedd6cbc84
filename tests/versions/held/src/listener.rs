//! The objects, how many there are, and how the truth is told.

use rudo_gc::{Gc, Trace, Visitor};
use std::hint::black_box;
use std::io::Write;
use std::sync::Mutex;

pub const HELD: u64 = 3000;
pub const REMOVED: u64 = 300;
pub const RINGS: u64 = 100;
pub const DROPPED: u64 = 60;

/// What leaks.
pub struct Listener {
    pub id: u64,
    pub topic: [u64; 3],
    own: Mutex<Option<Gc<Listener>>>,
}

unsafe impl Trace for Listener {
    fn trace(&self, visitor: &mut impl Visitor) {
        if let Ok(own) = self.own.try_lock() {
            own.trace(visitor);
        }
    }
}

impl Listener {
    pub fn new(id: u64) -> Gc<Self> {
        Gc::new(Self { id, topic: [id; 3], own: Mutex::new(None) })
    }
}

/// Drops a listener that refers to itself, so it stays as garbage.
#[inline(never)]
pub fn forget(listener: Gc<Listener>) {
    let own = Gc::clone(&listener);
    *listener.own.lock().unwrap() = Some(own);
}

/// Listeners that are dropped at once.
#[inline(never)]
pub fn drop_some() {
    for id in 0..DROPPED {
        black_box(Listener::new(id).id);
    }
}

#[derive(Default)]
pub struct Truth {
    pub reachable: u64,
    pub garbage: u64,
    pub zombies: u64,
    /// Listeners that were held and are garbage.
    pub removed: u64,
    /// Bytes of strings that the leaking objects own.
    pub text_bytes: u64,
    pub leaking_type: &'static str,
    pub leaked: u64,
}

/// The collector is switched off: rudo-gc looks for references neither in malloc'd memory nor in statics.
pub fn begin() {
    rudo_gc::set_gc_enabled(false);
    // Allocates the buffer of standard output now, and not where a freed buffer has left its words.
    drop(std::io::stdout());
}

/// Overwrites the dead part of the stack.
#[inline(never)]
pub fn scrub_stack() {
    let mut words = [1u64; 16384];
    black_box(&mut words);
}

#[inline(never)]
pub fn wait_for_ever<T: ?Sized>(kept: &T) -> ! {
    loop {
        black_box(kept);
        std::thread::sleep(std::time::Duration::from_secs(600));
    }
}

pub fn tell_and_wait<T>(truth: &Truth, kept: &T) -> ! {
    let line = format!(
        "{{\"pid\":{},\"objects\":{},\"zombies\":{},\"reachable\":{},\"text_bytes\":{},\"removed\":{},\
         \"leaked\":{},\"leaking_type\":\"{}\"}}\n",
        std::process::id(),
        truth.reachable + truth.garbage,
        truth.zombies,
        truth.reachable,
        truth.text_bytes,
        truth.removed,
        truth.leaked,
        truth.leaking_type,
    );
    scrub_stack();
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
    wait_for_ever(kept)
}
