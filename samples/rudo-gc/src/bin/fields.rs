//! References in fields: trees with shared nodes and cycles, cyclic garbage, dropped objects.
//!
//! Every reference is a word of an object, so marking this heap needs nothing but its pages and
//! its stacks.

use rudo_gc::cell::GcCell;
use rudo_gc::{Gc, Trace};
use rudo_gc_derive::GcCell;
use rudo_gc_samples::{
    begin, build_on_threads, tell_truth_and_wait, BuildList, Fate, Random, Settings, Tally,
    GARBAGE, OBJECTS, SECONDS, SEED, THREADS, ZOMBIES,
};

/// `GcBox<Node>` has size class 128.
#[derive(Trace, GcCell)]
struct Node {
    id: u64,
    leaf: Option<Gc<Leaf>>,
    left: GcCell<Option<Gc<Node>>>,
    right: GcCell<Option<Gc<Node>>>,
}

/// `GcBox<Leaf>` has size class 64.
#[derive(Trace, GcCell)]
struct Leaf {
    value: u64,
}

/// Builds one thread's graph.
struct Builder {
    tally: Tally,
    random: Random,
    /// All live nodes; the first is the root.
    nodes: BuildList<Gc<Node>>,
}

impl Builder {
    fn node(&mut self, fate: Fate, id: u64, leaf: Option<Gc<Leaf>>) -> Gc<Node> {
        let node = Node {
            id,
            leaf,
            left: GcCell::new(None),
            right: GcCell::new(None),
        };
        self.tally.alloc(fate, node)
    }

    fn any_live_node(&mut self) -> Gc<Node> {
        let index = self.random.below(self.nodes.len());
        Gc::clone(&self.nodes[index])
    }

    /// Adds one node to the tree, in the order of a binary heap. Every third brings a leaf,
    /// if more than one of the live objects is `missing`.
    fn grow_tree(&mut self, missing: u64) {
        let index = self.nodes.len();
        let leaf = (index % 3 == 2 && missing > 1).then(|| {
            let value = index as u64;
            self.tally.alloc(Fate::Reachable, Leaf { value })
        });
        let node = self.node(Fate::Reachable, index as u64, leaf);
        if index > 0 {
            let parent = &self.nodes[(index - 1) / 2];
            let side = if index % 2 == 1 {
                &parent.left
            } else {
                &parent.right
            };
            *side.borrow_mut() = Some(Gc::clone(&node));
        }
        self.nodes.push(node);
    }

    /// Nodes without children refer to other nodes: shared nodes and cycles come from here.
    fn add_cross_references(&mut self) {
        let count = self.nodes.len();
        for index in count / 2..count {
            let target = self.any_live_node();
            let node = &self.nodes[index];
            if index % 2 == 0 && node.left.borrow().is_none() {
                *node.left.borrow_mut() = Some(target);
            }
        }
    }

    /// A ring of nodes that refers to the living, and that nothing refers to.
    fn leave_ring(&mut self, length: u64) {
        let first = self.node(Fate::Garbage, 0, None);
        let mut last = Gc::clone(&first);
        for id in 1..length {
            let next = self.node(Fate::Garbage, id, None);
            *last.left.borrow_mut() = Some(Gc::clone(&next));
            last = next;
        }
        *last.left.borrow_mut() = Some(first);
        *last.right.borrow_mut() = Some(self.any_live_node());
    }

    /// An object that is dropped at once.
    fn leave_zombie(&mut self) {
        let target = self.any_live_node();
        let node = self.node(Fate::Zombie, 0, None);
        *node.right.borrow_mut() = Some(target);
    }
}

#[inline(never)]
fn build(settings: &Settings, thread: u64) -> (Gc<Node>, Tally) {
    let live = settings.get("objects").max(1);
    let mut builder = Builder {
        tally: Tally::default(),
        random: Random::new(settings.get("seed") + thread),
        nodes: BuildList::with_capacity(live as usize),
    };
    // Garbage and zombies are spread evenly, so that they share pages with the living.
    while builder.tally.reachable < live {
        builder.grow_tree(live - builder.tally.reachable);
        let done = builder.tally.reachable;
        let garbage_due = done * settings.get("garbage") / live;
        while builder.tally.garbage < garbage_due {
            let length = 2 + builder.random.below(7) as u64;
            builder.leave_ring(length.min(garbage_due - builder.tally.garbage));
        }
        while builder.tally.zombies < done * settings.get("zombies") / live {
            builder.leave_zombie();
        }
    }
    builder.add_cross_references();
    (Gc::clone(&builder.nodes[0]), builder.tally)
}

fn main() {
    let settings = Settings::from_args(
        "fields",
        "A graph with references in fields, on the heap of rudo-gc.",
        &[THREADS, OBJECTS, GARBAGE, ZOMBIES, SEED, SECONDS],
    );
    begin();
    let for_threads = settings.clone();
    let tally = build_on_threads(settings.get("threads"), move |thread| {
        build(&for_threads, thread)
    });
    tell_truth_and_wait("fields", &settings, &tally, &());
}
