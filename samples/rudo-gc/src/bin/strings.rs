//! Bytes without references: strings and buffers in containers, and strings with several owners.
//!
//! Each kind is the value of one object. The program prints the object's address and how many bytes
//! malloc gave it for this value, so that retained sizes can be compared with the truth. No such
//! block leads to an object; a tool that keeps only blocks with references counts none of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rudo_gc::cell::GcCell;
use rudo_gc::{Gc, Trace, Visitor};
use rudo_gc_derive::GcCell;
use rudo_gc_samples::{
    begin, build_on_threads, tell_truth, wait_to_be_captured, Fate, Setting, Settings, Tally,
    SECONDS, SEED,
};

/// Strings that the program keeps outside of the heap, too.
static INTERNED: Mutex<Vec<Arc<str>>> = Mutex::new(Vec::new());

/// A value that holds no references.
struct Plain<T>(T);

// SAFETY: there is nothing to visit.
unsafe impl<T: 'static> Trace for Plain<T> {
    fn trace(&self, _visitor: &mut impl Visitor) {}
}

#[derive(Trace, GcCell)]
struct Document {
    id: u64,
    body: String,
}

/// Keeps all objects; its address does not matter.
#[derive(Trace, GcCell)]
struct Shelf {
    documents: GcCell<Vec<Gc<Document>>>,
    lines: Gc<Plain<Vec<String>>>,
    fields: Gc<Plain<HashMap<String, Vec<u8>>>>,
    slice: Gc<Plain<Box<[u8]>>>,
    only: Gc<Plain<Arc<str>>>,
    left: Gc<Plain<Arc<str>>>,
    right: Gc<Plain<Arc<str>>>,
    interned: Gc<Plain<Arc<str>>>,
}

/// What malloc gave for a block that begins at `start`.
fn usable(start: *const u8) -> usize {
    // SAFETY: the callers pass the start of a block that is in use.
    unsafe { libc::malloc_usable_size(start as *mut libc::c_void) }
}

/// An `Arc<str>` has its two counts before the text.
fn usable_arc(text: &Arc<str>) -> usize {
    usable(text.as_ptr().wrapping_sub(16))
}

fn address_of<T: Trace + 'static>(gc: &Gc<T>) -> usize {
    // SAFETY: a `Gc` is the address of its object.
    unsafe { std::mem::transmute_copy(gc) }
}

fn arc(length: usize) -> Arc<str> {
    Arc::from("arc ".repeat(length / 4))
}

struct Truth {
    members: String,
}

impl Truth {
    fn add<T: Trace + 'static>(&mut self, name: &str, object: &Gc<T>, bytes: usize) {
        self.members += &format!(",\"{name}\":[\"{:#x}\",{bytes}]", address_of(object));
    }
}

#[inline(never)]
fn build(settings: &Settings) -> (Gc<Shelf>, Tally, String) {
    let mut tally = Tally::default();
    let mut truth = Truth {
        members: String::new(),
    };
    let documents: Vec<_> = (0..settings.get("documents"))
        .map(|id| {
            let body = "lorem ipsum ".repeat(9_000);
            tally.alloc(Fate::Reachable, Document { id, body })
        })
        .collect();
    let document_bytes: usize = documents.iter().map(|d| usable(d.body.as_ptr())).sum();

    let lines: Vec<String> = (0..2_000).map(|i| "line ".repeat(20 + i % 50)).collect();
    let line_bytes = usable(lines.as_ptr().cast())
        + lines.iter().map(|l| usable(l.as_ptr())).sum::<usize>();
    let fields: HashMap<String, Vec<u8>> = (0..100)
        .map(|i| (format!("field number {i}"), vec![1u8; 30_000 + i]))
        .collect();
    // The table itself is less than a hundredth of it.
    let field_bytes: usize = fields
        .iter()
        .map(|(k, v)| usable(k.as_ptr()) + usable(v.as_ptr()))
        .sum();
    let slice = vec![7u8; 300_000].into_boxed_slice();
    let slice_bytes = usable(slice.as_ptr());
    let (only, both, interned) = (arc(200_000), arc(400_000), arc(500_000));
    let only_bytes = usable_arc(&only);
    INTERNED.lock().unwrap().push(Arc::clone(&interned));

    let shelf = Shelf {
        documents: GcCell::new(documents),
        lines: tally.alloc(Fate::Reachable, Plain(lines)),
        fields: tally.alloc(Fate::Reachable, Plain(fields)),
        slice: tally.alloc(Fate::Reachable, Plain(slice)),
        only: tally.alloc(Fate::Reachable, Plain(only)),
        left: tally.alloc(Fate::Reachable, Plain(Arc::clone(&both))),
        right: tally.alloc(Fate::Reachable, Plain(both)),
        interned: tally.alloc(Fate::Reachable, Plain(interned)),
    };
    truth.add("lines", &shelf.lines, line_bytes);
    truth.add("fields", &shelf.fields, field_bytes);
    truth.add("slice", &shelf.slice, slice_bytes);
    truth.add("only", &shelf.only, only_bytes);
    // Shared by two objects, or with the program's own table: none of them keeps it alone.
    truth.add("left", &shelf.left, 0);
    truth.add("right", &shelf.right, 0);
    truth.add("interned", &shelf.interned, 0);
    let shelf = tally.alloc(Fate::Reachable, shelf);
    truth.add("documents", &shelf, document_bytes);
    (shelf, tally, truth.members)
}

fn main() {
    let documents = Setting {
        name: "documents",
        default: 100,
        help: "documents of 108 KB",
    };
    let threads = Setting {
        name: "threads",
        default: 1,
        help: "always 1",
    };
    let settings = Settings::from_args(
        "strings",
        "Strings and buffers that objects own, on the heap of rudo-gc.",
        &[threads, documents, SEED, SECONDS],
    );
    begin();
    let members = Arc::new(Mutex::new(String::new()));
    let (for_thread, told) = (settings.clone(), Arc::clone(&members));
    let tally = build_on_threads(1, move |_| {
        let (shelf, tally, text) = build(&for_thread);
        *told.lock().unwrap() = text;
        (shelf, tally)
    });
    let members = members.lock().unwrap().clone();
    tell_truth("strings", &settings, &tally, &members);
    wait_to_be_captured(&settings, &());
}
