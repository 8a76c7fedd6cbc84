//! Values that are gone, but whose words are still there: emptied buckets of a `HashMap`, the free
//! part of a `VecDeque`, the part of a `Vec` behind its length, and options that became `None`; and
//! objects that only weak references are left of.
//!
//! Each object refers to itself, so it outlives its removal as garbage; a conservative marker finds
//! it through the word that is left over. Reference counts tell: no count stands for such a word.

use std::collections::{HashMap, VecDeque};

use rudo_gc::cell::GcCell;
use rudo_gc::{Gc, Trace, Weak};
use rudo_gc_derive::GcCell;
use rudo_gc_samples::{
    begin, build_on_threads, tell_truth_and_wait, Fate, Setting, Settings, Tally, SECONDS, SEED,
    THREADS,
};

/// An object that nothing but itself refers to once it was removed.
#[derive(Trace, GcCell)]
struct Item {
    number: u64,
    itself: GcCell<Vec<Gc<Item>>>,
}

#[derive(Trace, GcCell)]
struct Choice {
    item: GcCell<Option<Gc<Item>>>,
}

#[derive(Trace, GcCell)]
struct Shelf {
    cache: GcCell<HashMap<u64, Gc<Item>>>,
    queue: GcCell<VecDeque<Gc<Item>>>,
    list: GcCell<Vec<Gc<Item>>>,
    choices: GcCell<Vec<Gc<Choice>>>,
    known: GcCell<Vec<Weak<Item>>>,
    last_known: GcCell<Option<Weak<Item>>>,
}

fn item(tally: &mut Tally, number: u64) -> Gc<Item> {
    let itself = GcCell::new(Vec::with_capacity(1));
    let item = tally.alloc(Fate::Reachable, Item { number, itself });
    item.itself.borrow_mut().push(Gc::clone(&item));
    item
}

/// An item was removed.
fn note_removed(tally: &mut Tally) {
    tally.reachable -= 1;
    tally.garbage += 1;
}

fn fill_cache(shelf: &Shelf, tally: &mut Tally, count: u64, kept: u64) {
    for number in 0..count {
        let item = item(tally, number);
        shelf.cache.borrow_mut().insert(number, item);
        if number >= kept {
            shelf.cache.borrow_mut().remove(&(number - kept));
            note_removed(tally);
        }
    }
}

fn fill_queue(shelf: &Shelf, tally: &mut Tally, count: u64, kept: u64) {
    for number in 0..count {
        let item = item(tally, number);
        shelf.queue.borrow_mut().push_back(item);
        if number >= kept {
            shelf.queue.borrow_mut().pop_front();
            note_removed(tally);
        }
    }
}

fn fill_list(shelf: &Shelf, tally: &mut Tally, count: u64, kept: u64) {
    for number in 0..count {
        let item = item(tally, number);
        shelf.list.borrow_mut().push(item);
    }
    shelf.list.borrow_mut().truncate(kept as usize);
    (kept..count).for_each(|_| note_removed(tally));
}

fn fill_choices(shelf: &Shelf, tally: &mut Tally, count: u64, kept: u64) {
    for number in 0..count {
        let item = GcCell::new(Some(item(tally, number)));
        let choice = tally.alloc(Fate::Reachable, Choice { item });
        if number >= kept {
            *choice.item.borrow_mut() = None;
            note_removed(tally);
        }
        shelf.choices.borrow_mut().push(choice);
    }
}

fn fill_known(shelf: &Shelf, tally: &mut Tally, count: u64, kept: u64) {
    for number in 0..count {
        let item = item(tally, number);
        shelf.known.borrow_mut().push(Gc::downgrade(&item));
        *shelf.last_known.borrow_mut() = Some(Gc::downgrade(&item));
        if number < kept {
            shelf.list.borrow_mut().push(item);
        } else {
            note_removed(tally);
        }
    }
}

#[inline(never)]
fn build(settings: &Settings) -> (Gc<Shelf>, Tally) {
    let (count, kept) = (settings.get("items"), settings.get("kept"));
    let mut tally = Tally::default();
    let shelf = Shelf {
        cache: GcCell::new(HashMap::with_capacity(count as usize)),
        queue: GcCell::new(VecDeque::with_capacity(count as usize)),
        list: GcCell::new(Vec::with_capacity(count as usize)),
        choices: GcCell::new(Vec::with_capacity(count as usize)),
        known: GcCell::new(Vec::with_capacity(count as usize)),
        last_known: GcCell::new(None),
    };
    let shelf = tally.alloc(Fate::Reachable, shelf);
    match settings.get("kind") {
        1 => fill_cache(&shelf, &mut tally, count, kept),
        2 => fill_queue(&shelf, &mut tally, count, kept),
        3 => fill_list(&shelf, &mut tally, count, kept),
        4 => fill_choices(&shelf, &mut tally, count, kept),
        _ => fill_known(&shelf, &mut tally, count, kept),
    }
    (shelf, tally)
}

fn main() {
    let settings = Settings::from_args(
        "leftovers",
        "Words of values that are gone, on the heap of rudo-gc.",
        &[
            Setting::new("kind", 1, "1: a map, 2: a queue, 3: a list, 4: options, 5: weak references"),
            Setting::new("items", 1_000, "items that are put in"),
            Setting::new("kept", 500, "items that stay"),
            THREADS,
            SEED,
            SECONDS,
        ],
    );
    begin();
    let for_threads = settings.clone();
    let tally = build_on_threads(settings.get("threads"), move |_| build(&for_threads));
    tell_truth_and_wait("leftovers", &settings, &tally, &());
}
