//! A shop as a server would have it: several types, a catalogue that all threads share, sessions
//! with their orders, a cache that evicts, large objects, and two leaks.
//!
//! The first leak is cyclic garbage: an order refers to its session and the session to its orders,
//! so reference counting never frees a closed session; only a collection would. The second
//! (`--forgotten N`) is reachable, so that no collector frees it: a closed session stays subscribed
//! to the audit. The objects refer to each other like this:
//!
//! ```text
//! Shop ── HashMap ─> Session ── Vec ─> Order ── Vec ─> LineItem ─> Product (shared catalogue)
//!  │                  │ ^  ^─────────────┘ session
//!  │                  │ └── Subscription <─ Vec ── Audit (held by main)
//!  │                  └─> Customer ─> last Order
//!  ├── Vec ─> CacheEntry ··weak··> Session
//!  └─> Journal (large)
//! ```

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use rudo_gc::cell::GcCell;
use rudo_gc::handles::GcHandle;
use rudo_gc::{Gc, Trace, Weak};
use rudo_gc_derive::GcCell;
use rudo_gc_samples::{
    begin, build_on_threads, tell_truth, wait_for_line, wait_to_be_captured, Fate, Random, Setting,
    Settings, Tally, SECONDS, SEED, THREADS,
};

const PRODUCTS: usize = 500;
const LARGEST_ORDER: usize = 4;
const ORDERS_PER_SESSION: usize = 3;
const CACHE_SLOTS: usize = 1024;

/// 4 KiB: with its header it needs pages of its own.
const JOURNAL_WORDS: usize = 512;

#[derive(Trace, GcCell)]
struct Catalogue {
    products: Vec<Gc<Product>>,
    prices: Gc<PriceTable>,
}

#[derive(Trace, GcCell)]
struct Product {
    name: String,
}

#[derive(Trace, GcCell)]
struct PriceTable {
    cents: [u32; PRODUCTS],
}

/// Everything that one thread serves.
#[derive(Trace, GcCell)]
struct Shop {
    sessions: GcCell<HashMap<u64, Gc<Session>>>,
    cache: GcCell<Vec<Gc<CacheEntry>>>,
    journal: Gc<Journal>,
}

#[derive(Trace, GcCell)]
struct Journal {
    events: [u64; JOURNAL_WORDS],
}

#[derive(Trace, GcCell)]
struct Session {
    id: u64,
    customer: Gc<Customer>,
    orders: GcCell<Vec<Gc<Order>>>,
}

#[derive(Trace, GcCell)]
struct Customer {
    name: String,
    last_order: GcCell<Option<Gc<Order>>>,
}

#[derive(Trace, GcCell)]
struct Order {
    session: Gc<Session>,
    items: Vec<Gc<LineItem>>,
}

#[derive(Trace, GcCell)]
struct LineItem {
    product: Gc<Product>,
    quantity: u64,
}

#[derive(Trace)]
struct CacheEntry {
    session: Weak<Session>,
    page: String,
}

// The derive macro would skip the cell's element; it refers to nothing strongly.
rudo_gc::impl_gc_capture!(CacheEntry);

/// Every session subscribes when it opens. No session unsubscribes when it is closed.
#[derive(Trace, GcCell)]
struct Audit {
    subscribers: GcCell<Vec<Gc<Subscription>>>,
}

#[derive(Trace, GcCell)]
struct Subscription {
    session: Gc<Session>,
    catalogue: Gc<Catalogue>,
}

fn open_catalogue(tally: &mut Tally) -> Gc<Catalogue> {
    let products = (0..PRODUCTS)
        .map(|number| {
            let name = format!("product {number} with a name of some length");
            tally.alloc(Fate::Reachable, Product { name })
        })
        .collect();
    let mut cents = [0; PRODUCTS];
    for (number, price) in cents.iter_mut().enumerate() {
        *price = 99 + 100 * number as u32;
    }
    let prices = tally.alloc(Fate::Reachable, PriceTable { cents });
    tally.alloc(Fate::Reachable, Catalogue { products, prices })
}

/// Makes sessions, and counts what they are made of.
struct Desk {
    tally: Tally,
    random: Random,
    catalogue: Gc<Catalogue>,
}

impl Desk {
    fn open(settings: &Settings, thread: u64, catalogue: Gc<Catalogue>) -> Self {
        Self {
            tally: Tally::default(),
            random: Random::new(settings.get("seed") + thread),
            catalogue,
        }
    }

    /// A session with its customer and orders, all of the same fate.
    fn session(&mut self, fate: Fate, id: u64) -> Gc<Session> {
        let customer = Customer {
            name: format!("customer {id}"),
            last_order: GcCell::new(None),
        };
        let customer = self.tally.alloc(fate, customer);
        let session = Session {
            id,
            customer,
            orders: GcCell::new(Vec::with_capacity(ORDERS_PER_SESSION)),
        };
        let session = self.tally.alloc(fate, session);
        for _ in 0..ORDERS_PER_SESSION {
            let order = self.order(fate, &session);
            *session.customer.last_order.borrow_mut() = Some(Gc::clone(&order));
            session.orders.borrow_mut().push(order);
        }
        session
    }

    fn order(&mut self, fate: Fate, session: &Gc<Session>) -> Gc<Order> {
        let count = 1 + self.random.below(LARGEST_ORDER);
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.line_item(fate));
        }
        let session = Gc::clone(session);
        self.tally.alloc(fate, Order { session, items })
    }

    fn line_item(&mut self, fate: Fate) -> Gc<LineItem> {
        let product = Gc::clone(&self.catalogue.products[self.random.below(PRODUCTS)]);
        let quantity = 1 + self.random.below(9) as u64;
        self.tally.alloc(fate, LineItem { product, quantity })
    }
}

/// Serves requests on one thread until its shop has the shape that was asked for.
struct Server {
    desk: Desk,
    shop: Gc<Shop>,
}

impl Server {
    fn open(settings: &Settings, thread: u64, catalogue: Gc<Catalogue>) -> Self {
        let mut desk = Desk::open(settings, thread, catalogue);
        let events = [thread; JOURNAL_WORDS];
        let journal = desk.tally.alloc(Fate::Reachable, Journal { events });
        let shop = Shop {
            sessions: GcCell::new(HashMap::with_capacity(settings.get("sessions") as usize)),
            cache: GcCell::new(Vec::with_capacity(CACHE_SLOTS)),
            journal,
        };
        let shop = desk.tally.alloc(Fate::Reachable, shop);
        Self { desk, shop }
    }

    /// Puts a rendered page into the cache. Once that is full, the page replaces another, whose
    /// entry dies.
    fn cache_page(&mut self, session: &Gc<Session>) {
        let entry = CacheEntry {
            session: Gc::downgrade(session),
            page: format!("<h1>session {}</h1>", session.id),
        };
        let entry = self.desk.tally.alloc(Fate::Reachable, entry);
        let mut cache = self.shop.cache.borrow_mut();
        if cache.len() < CACHE_SLOTS {
            cache.push(entry);
        } else {
            cache[self.desk.random.below(CACHE_SLOTS)] = entry;
            self.desk.tally.note_dropped();
        }
    }

    /// A quote is calculated from an order line that is dropped at once.
    fn quote(&mut self) {
        let line = self.desk.line_item(Fate::Zombie);
        drop(line);
    }
}

/// `consoles`: where a thread leaves a handle to the session that is watched from outside.
#[inline(never)]
fn serve(
    settings: &Settings,
    thread: u64,
    catalogue: Gc<Catalogue>,
    consoles: &Mutex<Vec<GcHandle<Session>>>,
) -> ((Gc<Shop>, Gc<Catalogue>), Tally) {
    let live = settings.get("sessions");
    let mut server = Server::open(settings, thread, catalogue);
    let mut closed = 0;
    for id in 0..live {
        let session = server.desk.session(Fate::Reachable, id);
        server.cache_page(&session);
        server.quote();
        server.shop.sessions.borrow_mut().insert(id, session);
        // A closed session never got into the map: its bucket would remember it.
        while closed < (id + 1) * settings.get("leaked") / live {
            drop(server.desk.session(Fate::Garbage, live + closed));
            closed += 1;
        }
    }
    // Watched, but no longer served: only the handle keeps this one.
    let watched = server.desk.session(Fate::Reachable, u64::MAX);
    let handle = watched.cross_thread_handle();
    consoles.lock().expect("no thread panics").push(handle);
    drop(watched);
    ((server.shop, server.desk.catalogue), server.desk.tally)
}

/// Opens and closes sessions that stay subscribed.
#[inline(never)]
fn forget(desk: &mut Desk, audit: &Audit, sessions: u64) {
    for _ in 0..sessions {
        let id = audit.subscribers.borrow().len() as u64;
        let session = desk.session(Fate::Reachable, id);
        let catalogue = Gc::clone(&desk.catalogue);
        let subscription = Subscription { session, catalogue };
        let subscription = desk.tally.alloc(Fate::Reachable, subscription);
        audit.subscribers.borrow_mut().push(subscription);
    }
}

fn main() {
    let settings = Settings::from_args(
        "service",
        "A service with several types and a leak, on the heap of rudo-gc.",
        &[
            THREADS,
            Setting::new("sessions", 5_000, "open sessions a thread"),
            Setting::new(
                "leaked",
                500,
                "closed sessions a thread that leak as cycles",
            ),
            Setting::new("forgotten", 0, "closed sessions that stay subscribed"),
            Setting::new("more", 0, "further ones for each line on standard input"),
            SEED,
            SECONDS,
        ],
    );
    begin();
    let mut tally = Tally::default();
    let catalogue = open_catalogue(&mut tally);
    let consoles = Arc::new(Mutex::new(Vec::with_capacity(
        settings.get("threads") as usize
    )));
    let threads = {
        let settings = settings.clone();
        let catalogue = Gc::clone(&catalogue);
        let consoles = Arc::clone(&consoles);
        build_on_threads(settings.get("threads"), move |thread| {
            serve(&settings, thread, Gc::clone(&catalogue), &consoles)
        })
    };
    tally.add(&threads);
    let more = settings.get("more");
    let mut leaked = settings.get("forgotten");
    if leaked == 0 && more == 0 {
        tell_truth("service", &settings, &tally, "");
        wait_to_be_captured(&settings, &(catalogue, consoles));
    }

    let mut desk = Desk::open(&settings, settings.get("threads"), catalogue);
    let subscribers = GcCell::new(Vec::new());
    let audit = desk.tally.alloc(Fate::Reachable, Audit { subscribers });
    let held = (audit, consoles);
    black_box(&held);
    forget(&mut desk, &held.0, leaked);
    loop {
        let mut all = tally;
        all.add(&desk.tally);
        let leak = format!(
            ",\"leaking_type\":\"service::Subscription\",\"held_by\":\"service::Audit\",\
             \"leaked\":{leaked}"
        );
        tell_truth("service", &settings, &all, &leak);
        if more == 0 || !wait_for_line() {
            break;
        }
        forget(&mut desk, &held.0, more);
        leaked += more;
    }
    wait_to_be_captured(&settings, &(held, desk.catalogue));
}
