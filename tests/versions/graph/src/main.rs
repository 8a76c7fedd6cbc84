// A graph of known size on the heap of whatever version of rudo-gc it is built with. References are
// the first word of a value, a later one, in a Vec, in a HashMap, and at both ends of a large object.
// Prints what it knows as one line of JSON, and sleeps.

use rudo_gc::{set_collect_condition, Gc, Trace, Visitor};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write;

#[repr(C)]
struct Leaf {
    id: u64,
    copy: u64,
}

#[repr(C)]
struct First {
    leaf: Gc<Leaf>,
    id: u64,
}

#[repr(C)]
struct Late {
    id: u64,
    copy: u64,
    leaf: Gc<Leaf>,
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
struct Large {
    first: Option<Gc<Leaf>>,
    padding: [u64; 1200],
    last: Option<Gc<Leaf>>,
}

#[repr(C)]
struct Ring {
    next: RefCell<Option<Gc<Ring>>>,
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
trace!(First, leaf);
trace!(Late, leaf);
trace!(Listed, leaves);
trace!(Mapped, leaves);
trace!(Large, first, last);
trace!(Ring, next);

struct Roots {
    first: Vec<Gc<First>>,
    late: Vec<Gc<Late>>,
    listed: Vec<Gc<Listed>>,
    mapped: Gc<Mapped>,
    large: Gc<Large>,
}

fn leaf(id: u64) -> Gc<Leaf> {
    Gc::new(Leaf { id, copy: id })
}

// 400 First, 400 Late, 40 Listed, a Mapped, a Large; 400 + 400 + 400 + 200 + 2 leaves.
#[inline(never)]
fn build() -> Roots {
    Roots {
        first: (0..400).map(|id| Gc::new(First { leaf: leaf(id), id })).collect(),
        late: (0..400).map(|id| Gc::new(Late { id, copy: id, leaf: leaf(id) })).collect(),
        listed: (0..40)
            .map(|id| Gc::new(Listed { leaves: RefCell::new((0..10).map(leaf).collect()), id }))
            .collect(),
        mapped: Gc::new(Mapped {
            leaves: RefCell::new((0..200).map(|id| (id, leaf(id))).collect()),
            id: 1,
        }),
        large: Gc::new(Large { first: Some(leaf(1)), padding: [7; 1200], last: Some(leaf(2)) }),
    }
}

// 100 rings of one, which refer to themselves, and 60 objects that are dropped at once.
#[inline(never)]
fn litter() {
    for id in 0..100 {
        let ring = Gc::new(Ring { next: RefCell::new(None), id });
        let same = ring.clone();
        *ring.next.borrow_mut() = Some(same);
        black_box(ring.id);
    }
    for id in 0..60 {
        let dropped = leaf(id);
        black_box(dropped.id + dropped.copy);
    }
}

#[inline(never)]
fn scrub_stack() {
    let mut words = [1u64; 8192];
    black_box(&mut words);
}

fn main() {
    set_collect_condition(|_| false);
    let roots = build();
    litter();
    scrub_stack();
    let reachable = 400 + 400 + 40 + 1 + 1 + 400 + 400 + 400 + 200 + 2;
    println!(
        "{{\"objects\":{},\"zombies\":60,\"reachable\":{}}}",
        reachable + 100,
        reachable
    );
    std::io::stdout().flush().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(600));
    black_box((&roots.first[0].id, &roots.late[0].id, roots.late[0].copy, &roots.listed[0].id));
    black_box((&roots.mapped.id, &roots.large.padding));
}
