//! Listeners that no object holds: variables, threads, channels, tasks; and objects that hold bytes.

use crate::listener::{drop_some, forget, scrub_stack, wait_for_ever, Listener, Truth, DROPPED, HELD, REMOVED, RINGS};
use crate::Built;
use rudo_gc::handles::GcHandle;
use rudo_gc::{Gc, Trace, Visitor};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{mpsc, Arc, LazyLock, Mutex};

type Item = Gc<Listener>;

pub const KINDS: &[(&str, fn() -> Built)] = &[
    ("stack", stack),
    ("static", in_static),
    ("static-map", in_static_map),
    ("thread-local", in_thread_local),
    ("threads", in_64_threads),
    ("scoped", in_scoped_threads),
    ("mpsc", in_channel),
    ("sync-channel", in_sync_channel),
    ("crossbeam", in_crossbeam),
    ("crossbeam-bounded", in_bounded_crossbeam),
    ("tokio-channel", in_tokio_channel),
    ("tokio-bounded", in_bounded_tokio_channel),
    ("tokio-tasks", in_tasks),
    ("tokio-local", in_local_tasks),
    ("handles", in_handles),
    ("bytes", bytes),
];

fn held(held: u64) -> Truth {
    Truth {
        reachable: held,
        garbage: REMOVED + RINGS,
        zombies: DROPPED,
        removed: REMOVED,
        leaking_type: "held::listener::Listener",
        leaked: held,
        ..Truth::default()
    }
}

#[inline(never)]
fn litter() {
    for id in 0..RINGS {
        forget(Listener::new(id));
    }
    drop_some();
    scrub_stack();
}

#[inline(never)]
fn filled() -> Vec<Item> {
    let mut items: Vec<_> = (0..HELD + REMOVED).map(Listener::new).collect();
    for _ in 0..REMOVED {
        forget(items.swap_remove(0));
    }
    litter();
    items
}

fn stack() -> Built {
    (Box::new(filled()), held(HELD))
}

static ITEMS: Mutex<Vec<Item>> = Mutex::new(Vec::new());

fn in_static() -> Built {
    *ITEMS.lock().unwrap() = filled();
    (Box::new(()), held(HELD))
}

static TOPICS: LazyLock<Arc<Mutex<HashMap<String, Vec<Item>>>>> = LazyLock::new(Arc::default);

fn in_static_map() -> Built {
    let mut topics = TOPICS.lock().unwrap();
    for item in filled() {
        topics.entry(format!("topic-{}", item.id % 50)).or_default().push(item);
    }
    scrub_stack();
    (Box::new(Arc::clone(&TOPICS)), held(HELD))
}

thread_local! {
    static MINE: RefCell<Vec<Item>> = const { RefCell::new(Vec::new()) };
    static LAZY: RefCell<HashMap<u64, Item>> = RefCell::new(HashMap::new());
}

// On main's thread and on another one.
fn in_thread_local() -> Built {
    #[inline(never)]
    fn fill() {
        for item in filled() {
            if item.id % 2 == 0 {
                MINE.with_borrow_mut(|items| items.push(item));
            } else {
                LAZY.with_borrow_mut(|items| drop(items.insert(item.id, item)));
            }
        }
        scrub_stack();
    }
    fill();
    in_thread("other", || {
        fill();
    });
    let mut truth = held(2 * HELD);
    truth.garbage *= 2;
    truth.zombies *= 2;
    (Box::new(()), truth)
}

/// Runs `build` on a thread that never ends, and waits until it has built.
fn in_thread<R: 'static>(name: &str, build: impl FnOnce() -> R + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    let run = move || {
        let kept = build();
        scrub_stack();
        sender.send(()).unwrap();
        drop(sender);
        wait_for_ever(&kept)
    };
    std::thread::Builder::new().name(name.into()).spawn(run).unwrap();
    receiver.recv().unwrap();
}

fn in_64_threads() -> Built {
    for index in 0..64 {
        in_thread(&format!("worker-{index}"), || {
            let mut items: Vec<_> = (0..60).map(Listener::new).collect();
            for _ in 0..10 {
                forget(items.pop().unwrap());
            }
            drop_some();
            items
        });
    }
    let truth = held(64 * 50);
    (Box::new(()), Truth { garbage: 64 * 10, removed: 64 * 10, zombies: 64 * DROPPED, ..truth })
}

fn in_scoped_threads() -> Built {
    let (sender, receiver) = mpsc::channel();
    let own = move || {
        let items = filled();
        std::thread::scope(|scope| {
            for part in items.chunks(HELD as usize / 3) {
                let sender = sender.clone();
                scope.spawn(move || {
                    let mine: Vec<_> = part.iter().map(Gc::clone).collect();
                    scrub_stack();
                    sender.send(()).unwrap();
                    wait_for_ever(&(mine, part))
                });
            }
            scrub_stack();
            wait_for_ever(&items)
        });
    };
    std::thread::Builder::new().name("owner".into()).spawn(own).unwrap();
    for _ in 0..3 {
        receiver.recv().unwrap();
    }
    (Box::new(()), held(HELD))
}

/// Sends all, and receives those that are removed.
#[inline(never)]
fn send(mut send: impl FnMut(Item), mut receive: impl FnMut() -> Item) {
    for id in 0..HELD + REMOVED {
        send(Listener::new(id));
        if id % 11 == 10 {
            forget(receive());
        }
    }
    litter();
}

fn in_channel() -> Built {
    let (sender, receiver) = mpsc::channel();
    send(|item| sender.send(item).unwrap(), || receiver.recv().unwrap());
    (Box::new((sender, receiver)), held(HELD))
}

fn in_sync_channel() -> Built {
    let (sender, receiver) = mpsc::sync_channel(HELD as usize + 100);
    send(|item| sender.send(item).unwrap(), || receiver.recv().unwrap());
    (Box::new((sender, receiver)), held(HELD))
}

fn in_crossbeam() -> Built {
    let (sender, receiver) = crossbeam_channel::unbounded();
    send(|item| sender.send(item).unwrap(), || receiver.recv().unwrap());
    (Box::new((sender, receiver)), held(HELD))
}

fn in_bounded_crossbeam() -> Built {
    let (sender, receiver) = crossbeam_channel::bounded(HELD as usize + 100);
    send(|item| sender.send(item).unwrap(), || receiver.recv().unwrap());
    (Box::new((sender, receiver)), held(HELD))
}

fn in_tokio_channel() -> Built {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    send(|item| sender.send(item).unwrap(), || receiver.try_recv().unwrap());
    (Box::new((sender, receiver)), held(HELD))
}

fn in_bounded_tokio_channel() -> Built {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(HELD as usize + 100);
    send(|item| sender.try_send(item).unwrap(), || receiver.try_recv().unwrap());
    (Box::new((sender, receiver)), held(HELD))
}

/// A session of 10 listeners, which are held while it waits for ever.
async fn session(ready: mpsc::Sender<()>) {
    let mut items: Vec<_> = (0..11).map(Listener::new).collect();
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    forget(items.remove(0));
    ready.send(()).unwrap();
    drop(ready);
    std::future::pending::<()>().await;
    drop(items);
}

fn in_tasks() -> Built {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    let (ready, all_ready) = mpsc::channel();
    for _ in 0..HELD / 10 {
        runtime.spawn(session(ready.clone()));
    }
    for _ in 0..HELD / 10 {
        all_ready.recv().unwrap();
    }
    litter();
    (Box::new(runtime), held(HELD))
}

fn in_local_tasks() -> Built {
    let (ready, all_ready) = mpsc::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let tasks = tokio::task::LocalSet::new();
        for _ in 0..HELD / 10 {
            let shared = Rc::new(RefCell::new(Vec::new()));
            let ready = ready.clone();
            tasks.spawn_local(async move {
                let same = Rc::clone(&shared);
                shared.borrow_mut().extend((0..11).map(Listener::new));
                tokio::task::yield_now().await;
                forget(same.borrow_mut().swap_remove(0));
                ready.send(()).unwrap();
                drop(ready);
                std::future::pending::<()>().await;
                drop(same);
            });
        }
        drop(ready);
        tasks.block_on(&runtime, std::future::pending::<()>());
    };
    std::thread::Builder::new().name("local".into()).spawn(run).unwrap();
    for _ in 0..HELD / 10 {
        all_ready.recv().unwrap();
    }
    litter();
    (Box::new(()), held(HELD))
}

fn in_handles() -> Built {
    let handles: Vec<GcHandle<Listener>> = filled().iter().map(Gc::cross_thread_handle).collect();
    scrub_stack();
    (Box::new(handles), held(HELD))
}

/// Bytes in each of the ways in which a program holds them.
struct Document {
    title: String,
    body: Box<str>,
    data: Vec<u8>,
    name: Arc<str>,
    tag: Rc<[u8]>,
    note: Cow<'static, str>,
    path: PathBuf,
}

unsafe impl Trace for Document {
    fn trace(&self, _visitor: &mut impl Visitor) {}
}

#[inline(never)]
fn document(id: usize) -> Gc<Document> {
    let text = |bytes: usize| "x".repeat(bytes + id % 16);
    Gc::new(Document {
        title: text(40),
        body: text(8000).into_boxed_str(),
        data: vec![7; 20_000 + id],
        name: text(300).into(),
        tag: text(900).into_bytes().into(),
        note: if id % 2 == 0 { Cow::Borrowed("none") } else { Cow::Owned(text(3000)) },
        path: text(100).into(),
    })
}

fn bytes() -> Built {
    let documents: Vec<_> = (0..500).map(document).collect();
    let text_bytes = documents.iter().map(|document| {
        let note = if document.note.len() == 4 { 0 } else { document.note.len() };
        document.title.len() + document.body.len() + document.data.len() + document.name.len() + document.tag.len() + note
            + document.path.as_os_str().len()
    });
    let text_bytes = text_bytes.sum::<usize>() as u64;
    litter();
    let leaking_type = "held::elsewhere::Document";
    (Box::new(documents), Truth { reachable: 500, garbage: RINGS, leaked: 500, leaking_type, text_bytes, ..held(0) })
}
