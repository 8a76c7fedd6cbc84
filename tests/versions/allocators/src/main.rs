// Objects of rudo-gc that malloc'd buffers of all sizes refer to, on an allocator that a feature chooses. Garbage is held by
// buffers of garbage objects, and by freed buffers whose addresses the program still keeps: an allocator's free blocks must
// not count as malloc'd memory. Prints what it knows as one line of JSON, and sleeps.

use rudo_gc::{set_collect_condition, Gc, Trace, Visitor};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "snmalloc")]
#[global_allocator]
static ALLOCATOR: snmalloc_rs::SnMalloc = snmalloc_rs::SnMalloc;

#[repr(C)]
struct Leaf {
    id: u64,
    copy: u64,
}

#[repr(C)]
struct Listed {
    leaves: RefCell<Vec<Gc<Leaf>>>,
    id: u64,
}

#[repr(C)]
struct Mapped {
    leaves: RefCell<HashMap<u64, Gc<Leaf>>>,
    id: u64,
}

#[repr(C)]
struct Ring {
    others: RefCell<Vec<Gc<Ring>>>,
    id: u64,
}

macro_rules! trace {
    ($type:ty $(, $field:ident)*) => {
        unsafe impl Trace for $type {
            fn trace(&self, _visitor: &mut impl Visitor) {
                $(self.$field.trace(_visitor);)*
            }
        }
    };
}
trace!(Leaf);
trace!(Listed, leaves);
trace!(Mapped, leaves);
trace!(Ring, others);

// Lengths of buffers in words: small, medium, large and huge for each allocator.
const LENGTHS: [usize; 10] = [1, 3, 10, 60, 130, 900, 5000, 20_000, 70_000, 600_000];

struct Roots {
    listed: Vec<Gc<Listed>>,
    mapped: Gc<Mapped>,
    noise: Vec<Vec<u64>>,
    freed: Vec<u64>,
}

fn leaf(id: u64) -> Gc<Leaf> {
    Gc::new(Leaf { id, copy: id })
}

// 200 lists with room for lengths of all sizes and three leaves each.
#[inline(never)]
fn lists() -> Vec<Gc<Listed>> {
    (0..200)
        .map(|id| {
            let mut leaves = Vec::with_capacity(LENGTHS[id as usize % 9]);
            leaves.extend((0..3).map(leaf));
            Gc::new(Listed { leaves: RefCell::new(leaves), id })
        })
        .collect()
}

// 500 rings that only their own buffers refer to. Returns the addresses of 250 of them, hidden.
#[inline(never)]
fn litter() -> Vec<u64> {
    let mut addresses = Vec::new();
    for id in 0..500 {
        let ring = Gc::new(Ring { others: RefCell::new(Vec::with_capacity(LENGTHS[id as usize % 8])), id });
        ring.others.borrow_mut().push(ring.clone());
        if id % 2 == 0 {
            addresses.push(!(&*ring as *const Ring as u64));
        }
    }
    addresses
}

// Buffers of 1,000 and more sizes with addresses of garbage: every second one stays free, and its address is kept. A third
// of them are freed by another thread.
#[inline(never)]
fn free_some(hidden: &[u64]) -> (Vec<Vec<u64>>, Vec<u64>) {
    let mut kept = Vec::new();
    let mut freed = Vec::new();
    let mut foreign = Vec::new();
    for i in 0..4000usize {
        let length = LENGTHS[i % 9] + i % 5;
        let mut buffer = vec![0u64; length];
        for (k, word) in buffer.iter_mut().enumerate().take(1000) {
            *word = if i % 2 == 0 { !hidden[(i + k) % hidden.len()] } else { (i + k) as u64 };
        }
        if i % 2 == 1 {
            if length < 1000 {
                kept.push(buffer);
            }
            continue;
        }
        freed.push(buffer.as_ptr() as u64);
        if i % 3 == 0 {
            foreign.push(buffer);
        }
    }
    std::thread::spawn(move || drop(black_box(foreign))).join().unwrap();
    (kept, freed)
}

// Threads that wait for ever. What they freed is in their own caches.
#[inline(never)]
fn free_in_threads(hidden: &[u64]) -> Vec<u64> {
    let (sender, receiver) = std::sync::mpsc::channel();
    for thread in 0..4 {
        let (sender, hidden) = (sender.clone(), hidden.to_vec());
        std::thread::spawn(move || {
            let buffers: Vec<Vec<u64>> = (0..400)
                .map(|i| (0..LENGTHS[(i + thread) % 5] + 6).map(|k| !hidden[(i + k) % hidden.len()]).collect())
                .collect();
            let freed: Vec<u64> = buffers.iter().map(|buffer| buffer.as_ptr() as u64).collect();
            drop(black_box(buffers));
            sender.send(freed).unwrap();
            drop((sender, hidden));
            scrub_stack();
            loop {
                std::thread::park();
            }
        });
    }
    (0..4).flat_map(|_| receiver.recv().unwrap()).collect()
}

#[inline(never)]
fn build() -> Roots {
    let listed = lists();
    let mapped = Gc::new(Mapped {
        leaves: RefCell::new((0..200).map(|id| (id, leaf(id))).collect()),
        id: 1,
    });
    let hidden = litter();
    let (noise, mut freed) = free_some(&hidden);
    freed.extend(free_in_threads(&hidden));
    Roots { listed, mapped, noise, freed }
}

#[inline(never)]
fn scrub_stack() {
    let mut words = [1u64; 16384];
    black_box(&mut words);
}

fn main() {
    set_collect_condition(|_| false);
    let roots = build();
    scrub_stack();
    let reachable = 200 + 200 * 3 + 1 + 200;
    println!("{{\"objects\":{},\"zombies\":0,\"reachable\":{}}}", reachable + 500, reachable);
    std::io::stdout().flush().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(600));
    black_box((&roots.listed[0].id, &roots.mapped.id, &roots.noise, &roots.freed));
}
