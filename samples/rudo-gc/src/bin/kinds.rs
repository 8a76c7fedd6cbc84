//! One object with fields of every kind that a type of a program may have. It prints where each of
//! them is, `field OFFSET NAME`, so that a test can compare what a snapshot calls them.

// The fields are there to be found in a snapshot.
#![allow(dead_code)]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, LinkedList, VecDeque};
use std::hint::black_box;
use std::mem::offset_of;
use std::rc::Rc;
use std::sync::Arc;

use rudo_gc::cell::GcCell;
use rudo_gc::{Gc, Trace, Visitor, Weak};
use rudo_gc_derive::GcCell;
use rudo_gc_samples::{begin, tell_truth_and_wait, Fate, Setting, Settings, Tally, SECONDS};

const LEAVES: usize = 20;

#[derive(Trace, GcCell)]
struct Leaf {
    number: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    Red,
    Green = 7,
}

enum Shape {
    Empty,
    Dot(Gc<Leaf>),
    Line { from: Gc<Leaf>, to: Gc<Leaf>, width: u32 },
    Named(String),
}

struct Id(u32);

struct Inner {
    id: Id,
    leaf: Gc<Leaf>,
}

struct Kinds {
    small: u8,
    negative: i16,
    ratio: f64,
    is_open: bool,
    letter: char,
    colour: Colour,
    pair: (u16, Gc<Leaf>),
    inner: Inner,
    strong: Gc<Leaf>,
    weak: Weak<Leaf>,
    no_strong: Option<Gc<Leaf>>,
    some_strong: GcCell<Option<Gc<Leaf>>>,
    no_weak: Option<Weak<Leaf>>,
    some_weak: Option<Weak<Leaf>>,
    shape: Shape,
    line: Shape,
    array: [Option<Gc<Leaf>>; 3],
    numbers: [u32; 5],
    name: String,
    no_name: Option<String>,
    list: GcCell<Vec<Gc<Leaf>>>,
    bytes: Vec<u8>,
    slice: Box<[u64]>,
    label: Box<str>,
    boxed: Box<Inner>,
    rc: Rc<Inner>,
    arc: Arc<RefCell<Vec<Gc<Leaf>>>>,
    arc_text: Arc<str>,
    map: GcCell<HashMap<u64, Gc<Leaf>>>,
    names: HashMap<String, Vec<u8>>,
    set: HashSet<u32>,
    tree: BTreeMap<u32, Gc<Leaf>>,
    deque: VecDeque<Gc<Leaf>>,
    chain: LinkedList<Gc<Leaf>>,
    callback: fn(u64) -> u64,
    dynamic: Box<dyn Fn(u64) -> u64>,
    count: Cell<u64>,
    text: &'static str,
}

// SAFETY: nothing is collected in this program; the strong references of the plain fields are
// visited.
unsafe impl Trace for Kinds {
    fn trace(&self, visitor: &mut impl Visitor) {
        self.strong.trace(visitor);
        self.some_strong.trace(visitor);
        self.list.trace(visitor);
        self.map.trace(visitor);
    }
}

fn twice(number: u64) -> u64 {
    2 * number
}

macro_rules! tell_fields {
    ($($name:ident),*) => {
        $(println!("field {} {}", offset_of!(Kinds, $name), stringify!($name));)*
    };
}

fn build(tally: &mut Tally) -> (Gc<Kinds>, Vec<Gc<Leaf>>) {
    let leaves: Vec<Gc<Leaf>> = (0..LEAVES as u64)
        .map(|number| tally.alloc(Fate::Reachable, Leaf { number }))
        .collect();
    let leaf = |number: usize| Gc::clone(&leaves[number]);
    let weak = |number: usize| Gc::downgrade(&leaves[number]);
    let inner = |number: usize| Inner { id: Id(number as u32), leaf: leaf(number) };
    let kinds = Kinds {
        small: 200,
        negative: -3,
        ratio: 0.5,
        is_open: true,
        letter: 'x',
        colour: Colour::Green,
        pair: (9, leaf(0)),
        inner: inner(1),
        strong: leaf(2),
        weak: weak(3),
        no_strong: None,
        some_strong: GcCell::new(Some(leaf(4))),
        no_weak: None,
        some_weak: Some(weak(5)),
        shape: Shape::Dot(leaf(6)),
        line: Shape::Line { from: leaf(7), to: leaf(8), width: 3 },
        array: [Some(leaf(9)), None, Some(leaf(10))],
        numbers: [1, 2, 3, 4, 5],
        name: "a name".to_string(),
        no_name: None,
        list: GcCell::new(vec![leaf(11), leaf(12)]),
        bytes: vec![1, 2, 3],
        slice: vec![5, 6, 7].into_boxed_slice(),
        label: "a label".into(),
        boxed: Box::new(inner(13)),
        rc: Rc::new(inner(14)),
        arc: Arc::new(RefCell::new(vec![leaf(15)])),
        arc_text: "shared text".into(),
        map: GcCell::new((0..3).map(|key| (key, leaf(16))).collect()),
        names: (0..4).map(|key| (format!("key {key}"), vec![0; 10])).collect(),
        set: (0..5).collect(),
        tree: (0..30).map(|key| (key, leaf(17))).collect(),
        deque: (0..3).map(|_| leaf(18)).collect(),
        chain: (0..2).map(|_| leaf(19)).collect(),
        callback: twice,
        dynamic: Box::new(move |number| number + LEAVES as u64),
        count: Cell::new(77),
        text: "static",
    };
    (tally.alloc(Fate::Reachable, kinds), leaves)
}

fn main() {
    let settings = Settings::from_args(
        "kinds",
        "One object with fields of every kind, on the heap of rudo-gc.",
        &[
            Setting::new("threads", 1, "not used"),
            Setting::new("seed", 1, "not used"),
            SECONDS,
        ],
    );
    begin();
    let mut tally = Tally::default();
    let (kinds, leaves) = build(&mut tally);
    tell_fields!(
        small, negative, ratio, is_open, letter, colour, pair, inner, strong, weak, no_strong,
        some_strong, no_weak, some_weak, shape, line, array, numbers, name, no_name, list, bytes,
        slice, label, boxed, rc, arc, arc_text, map, names, set, tree, deque, chain, callback,
        dynamic, count, text
    );
    black_box((Shape::Empty, Shape::Named(String::new()), Colour::Red));
    tell_truth_and_wait("kinds", &settings, &tally, &(kinds, leaves));
}
