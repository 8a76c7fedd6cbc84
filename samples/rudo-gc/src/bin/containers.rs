//! References in containers: `Vec<Gc<T>>` and `HashMap<K, Gc<T>>` children, and cyclic garbage
//! that is held together by such containers alone.
//!
//! The buffers of the containers are malloc'd. A marker that takes all of malloc's memory for roots
//! finds the garbage reachable; one that leaves this memory out finds hardly anything reachable. It
//! must trace a buffer as a part of the object that owns it. A `HashMap` refers to the *middle* of
//! its buffer.

use std::collections::HashMap;

use rudo_gc::cell::GcCell;
use rudo_gc::{Gc, Trace};
use rudo_gc_derive::GcCell;
use rudo_gc_samples::{
    begin, build_on_threads, tell_truth_and_wait, BuildList, Fate, Random, Settings, Tally,
    GARBAGE, OBJECTS, SECONDS, SEED, THREADS, ZOMBIES,
};

const CHILDREN: usize = 4;
const ENTRIES: u64 = 6;

/// An inner node: children by position. `GcBox<Folder>` has size class 128.
#[derive(Trace, GcCell)]
struct Folder {
    id: u64,
    children: GcCell<Vec<Gc<Folder>>>,
    table: GcCell<Option<Gc<Table>>>,
}

/// Entries by key.
#[derive(Trace, GcCell)]
struct Table {
    entries: GcCell<HashMap<u64, Gc<Entry>>>,
}

/// A leaf, which may know a folder again.
#[derive(Trace, GcCell)]
struct Entry {
    key: u64,
    shortcut: GcCell<Vec<Gc<Folder>>>,
}

struct Builder {
    tally: Tally,
    random: Random,
    /// All live folders; the first is the root.
    folders: BuildList<Gc<Folder>>,
}

impl Builder {
    // Containers get their capacity at once. A `Vec` that grows leaves copies of its words in
    // freed memory, from where they can turn up in the unused part of another container.
    fn folder(&mut self, fate: Fate, id: u64) -> Gc<Folder> {
        let folder = Folder {
            id,
            children: GcCell::new(Vec::with_capacity(CHILDREN)),
            table: GcCell::new(None),
        };
        self.tally.alloc(fate, folder)
    }

    fn table(&mut self, fate: Fate) -> Gc<Table> {
        let entries = GcCell::new(HashMap::with_capacity(ENTRIES as usize));
        self.tally.alloc(fate, Table { entries })
    }

    fn entry(&mut self, fate: Fate, key: u64) -> Gc<Entry> {
        let shortcut = GcCell::new(Vec::new());
        self.tally.alloc(fate, Entry { key, shortcut })
    }

    fn any_live_folder(&mut self) -> Gc<Folder> {
        let index = self.random.below(self.folders.len());
        Gc::clone(&self.folders[index])
    }

    /// Adds a folder to the tree, and a table to every third folder.
    fn grow_tree(&mut self, missing: u64) {
        let index = self.folders.len();
        let folder = self.folder(Fate::Reachable, index as u64);
        if index > 0 {
            let parent = &self.folders[(index - 1) / CHILDREN];
            parent.children.borrow_mut().push(Gc::clone(&folder));
        }
        if index % 3 == 0 && missing >= 2 {
            let entries = (missing - 2).min(ENTRIES);
            let table = self.filled_table(Fate::Reachable, entries);
            *folder.table.borrow_mut() = Some(table);
        }
        self.folders.push(folder);
    }

    fn filled_table(&mut self, fate: Fate, entries: u64) -> Gc<Table> {
        let table = self.table(fate);
        for key in 0..entries {
            let entry = self.entry(fate, key);
            if key == 0 && !self.folders.is_empty() {
                *entry.shortcut.borrow_mut() = vec![self.any_live_folder()];
            }
            table.entries.borrow_mut().insert(key, entry);
        }
        table
    }

    /// Folders in a ring, each known to the one before through its `Vec` only.
    fn leave_ring_of_vecs(&mut self, length: u64) {
        let first = self.folder(Fate::Garbage, 0);
        let mut last = Gc::clone(&first);
        for id in 1..length {
            let next = self.folder(Fate::Garbage, id);
            last.children.borrow_mut().push(Gc::clone(&next));
            last = next;
        }
        last.children.borrow_mut().push(self.any_live_folder());
        last.children.borrow_mut().push(first);
    }

    /// A folder, its table, and entries that know the folder: a cycle through a `HashMap`.
    fn leave_ring_of_maps(&mut self, entries: u64) {
        let folder = self.folder(Fate::Garbage, 0);
        let table = self.table(Fate::Garbage);
        for key in 0..entries {
            let entry = self.entry(Fate::Garbage, key);
            *entry.shortcut.borrow_mut() = vec![Gc::clone(&folder)];
            table.entries.borrow_mut().insert(key, entry);
        }
        *folder.table.borrow_mut() = Some(table);
    }

    fn leave_garbage(&mut self, missing: u64) {
        let length = 1 + self.random.below(6) as u64;
        if length % 2 == 0 && missing >= length + 2 {
            self.leave_ring_of_maps(length);
        } else {
            self.leave_ring_of_vecs(length.min(missing));
        }
    }

    /// A folder with one live child that is dropped at once. Its `Vec` is freed.
    fn leave_zombie(&mut self) {
        let target = self.any_live_folder();
        let folder = self.folder(Fate::Zombie, 0);
        folder.children.borrow_mut().push(target);
    }
}

#[inline(never)]
fn build(settings: &Settings, thread: u64) -> (Gc<Folder>, Tally) {
    let live = settings.get("objects").max(1);
    let mut builder = Builder {
        tally: Tally::default(),
        random: Random::new(settings.get("seed") + thread),
        folders: BuildList::with_capacity(live as usize),
    };
    // Garbage and zombies are spread evenly, so that they share pages with the living.
    while builder.tally.reachable < live {
        builder.grow_tree(live - builder.tally.reachable);
        let done = builder.tally.reachable;
        let garbage_due = done * settings.get("garbage") / live;
        while builder.tally.garbage < garbage_due {
            builder.leave_garbage(garbage_due - builder.tally.garbage);
        }
        while builder.tally.zombies < done * settings.get("zombies") / live {
            builder.leave_zombie();
        }
    }
    (Gc::clone(&builder.folders[0]), builder.tally)
}

fn main() {
    let settings = Settings::from_args(
        "containers",
        "A graph with Vec and HashMap children, on the heap of rudo-gc.",
        &[THREADS, OBJECTS, GARBAGE, ZOMBIES, SEED, SECONDS],
    );
    begin();
    let for_threads = settings.clone();
    let tally = build_on_threads(settings.get("threads"), move |thread| {
        build(&for_threads, thread)
    });
    tell_truth_and_wait("containers", &settings, &tally, &());
}
