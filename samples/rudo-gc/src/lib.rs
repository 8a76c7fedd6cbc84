//! What the sample programs share: options, the tally of what was allocated, and the way in which
//! every program ends: it stops changing its heap, prints the truth about it as one line of JSON,
//! and waits to be captured.
//!
//! The truth holds only while nothing collects. So the collector is switched off before the first
//! allocation, and no thread ends before the program does.

use std::hint::black_box;
use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rudo_gc::{Gc, Trace};

/// Enough for every frame that building a graph can have used.
const SCRUBBED_STACK_BYTES: usize = 512 * 1024;

/// One numeric option of a program: `--name VALUE`.
pub struct Setting {
    pub name: &'static str,
    pub default: u64,
    pub help: &'static str,
}

/// The options that a program was started with.
#[derive(Clone)]
pub struct Settings {
    values: Vec<(&'static str, u64)>,
}

impl Settings {
    /// Reads the command line. Ends the program after `--help` (0) and after a mistake (2).
    pub fn from_args(program: &str, about: &str, settings: &[Setting]) -> Self {
        let mut values: Vec<_> = settings.iter().map(|s| (s.name, s.default)).collect();
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            if arg == "--help" {
                println!("usage: {program} [--OPTION NUMBER]...\n{about}\n");
                for s in settings {
                    println!("  --{:<12} {} (default {})", s.name, s.help, s.default);
                }
                std::process::exit(0);
            }
            let known = arg
                .strip_prefix("--")
                .and_then(|name| values.iter_mut().find(|(known, _)| *known == name));
            let number = args.next().and_then(|value| value.parse().ok());
            match (known, number) {
                (Some((_, value)), Some(number)) => *value = number,
                _ => {
                    eprintln!("{program}: cannot understand '{arg}' (try --help)");
                    std::process::exit(2);
                }
            }
        }
        Self { values }
    }

    /// The value of an option that the program declared.
    pub fn get(&self, name: &str) -> u64 {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found.expect("the option was declared").1
    }
}

impl Setting {
    pub const fn new(name: &'static str, default: u64, help: &'static str) -> Self {
        Self {
            name,
            default,
            help,
        }
    }
}

// The options that several programs have.
pub const THREADS: Setting = Setting::new("threads", 2, "threads that allocate");
pub const OBJECTS: Setting = Setting::new("objects", 100_000, "reachable objects a thread");
pub const GARBAGE: Setting = Setting::new("garbage", 10_000, "objects in dead cycles a thread");
pub const ZOMBIES: Setting = Setting::new("zombies", 5_000, "dropped objects a thread");
pub const SEED: Setting = Setting::new("seed", 1, "seed of the random shape");
pub const SECONDS: Setting = Setting::new("seconds", 3600, "how long to wait for a capture");

/// A small random generator (xorshift64*), so that a seed gives the same graph everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (high as usize) % bound
    }
}

/// What a builder intends an object to be once the program waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A root of the program leads to it.
    Reachable,
    /// Nothing but its own cycle refers to it.
    Garbage,
    /// Its last `Gc` was dropped: rudo-gc ran its destructor, the slot stays allocated.
    Zombie,
}

/// How many objects of each fate were allocated. All of them pass through `alloc`.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub reachable: u64,
    pub garbage: u64,
    pub zombies: u64,
    pub large: u64,
}

impl Tally {
    /// Allocates an object and counts it. The caller sees to it that the fate becomes true.
    pub fn alloc<T: Trace + 'static>(&mut self, fate: Fate, value: T) -> Gc<T> {
        // rudo-gc keeps all zero-sized values in one shared object of its own.
        assert!(std::mem::size_of::<T>() > 0);
        match fate {
            Fate::Reachable => self.reachable += 1,
            Fate::Garbage => self.garbage += 1,
            Fate::Zombie => self.zombies += 1,
        }
        if std::mem::size_of::<rudo_gc::GcBox<T>>() > 2048 {
            self.large += 1;
        }
        Gc::new(value)
    }

    /// An object that was meant to stay reachable has just been dropped.
    pub fn note_dropped(&mut self) {
        self.reachable -= 1;
        self.zombies += 1;
    }

    pub fn add(&mut self, other: &Tally) {
        self.reachable += other.reachable;
        self.garbage += other.garbage;
        self.zombies += other.zombies;
        self.large += other.large;
    }
}

/// A list of handles that is used while a graph is built, and leaves no trace of itself.
///
/// A freed `Vec` leaves its words in malloc's memory, where a conservative scan may find them in
/// the next block that is allocated there; so this one never moves, and is zeroed at the end.
pub struct BuildList<T>(Vec<T>);

impl<T> BuildList<T> {
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub fn push(&mut self, value: T) {
        assert!(self.0.len() < self.0.capacity());
        self.0.push(value);
    }
}

impl<T> std::ops::Deref for BuildList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> Drop for BuildList<T> {
    fn drop(&mut self) {
        self.0.clear();
        let words = self.0.as_mut_ptr();
        // SAFETY: the vector is empty and owns `capacity` elements from `words` on.
        unsafe { std::ptr::write_bytes(words, 0, self.0.capacity()) };
        // Without this the compiler drops the zeroing, because the memory is freed next.
        black_box(words);
    }
}

/// Overwrites the dead part of the stack, so that the frames of the waiting functions contain no
/// leftovers of the building ones.
#[inline(never)]
pub fn scrub_stack() {
    let mut area = [0u8; SCRUBBED_STACK_BYTES];
    black_box(&mut area);
}

/// Switches the collector off and lets any process of the same user trace this one.
///
/// To be called before the first `Gc` is made.
pub fn begin() {
    rudo_gc::set_gc_enabled(false);
    // Allocates the buffer of standard output now: later it would get the memory of a freed `Vec`,
    // with the references that this `Vec` held still in it.
    drop(std::io::stdout());
    // SAFETY: takes no pointers. Fails where the Yama module is absent; then nothing forbids
    // tracing anyway.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0) };
}

/// Runs `build` on `threads` threads, each with its index. What `build` returns stays on the
/// stack of its thread, as the root of that thread's graph. Returns when all have built.
///
/// The threads never end: rudo-gc would orphan their pages.
pub fn build_on_threads<R, B>(threads: u64, build: B) -> Tally
where
    B: Fn(u64) -> (R, Tally) + Clone + Send + 'static,
{
    let (sender, receiver) = mpsc::channel();
    for index in 0..threads {
        let build = build.clone();
        let sender = sender.clone();
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                let (root, tally) = build(index);
                drop(build);
                scrub_stack();
                sender.send(tally).expect("the main thread waits for this");
                hold(&root)
            })
            .expect("a thread can be started");
    }
    drop(sender);
    let mut total = Tally::default();
    for _ in 0..threads {
        total.add(&receiver.recv().expect("every worker reports"));
    }
    total
}

#[inline(never)]
fn hold<R>(root: &R) {
    loop {
        black_box(root);
        thread::park();
    }
}

/// Prints the truth and waits to be captured; see the two functions below. Never returns.
pub fn tell_truth_and_wait<R>(program: &str, settings: &Settings, tally: &Tally, root: &R) -> ! {
    tell_truth(program, settings, tally, "");
    wait_to_be_captured(settings, root)
}

/// Prints the truth. `more`: further members of the JSON object, each with a comma before it.
pub fn tell_truth(program: &str, settings: &Settings, tally: &Tally, more: &str) {
    let objects = tally.reachable + tally.garbage;
    let line = format!(
        "{{\"program\":\"{program}\",\"pid\":{},\"threads\":{},\"seed\":{},\"allocated\":{},\
         \"zombies\":{},\"objects\":{objects},\"reachable\":{},\"garbage\":{},\
         \"large_objects\":{}{more}}}\n",
        std::process::id(),
        settings.get("threads"),
        settings.get("seed"),
        objects + tally.zombies,
        tally.zombies,
        tally.reachable,
        tally.garbage,
        tally.large,
    );
    scrub_stack();
    let mut stdout = std::io::stdout();
    if stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(1);
    }
}

/// Waits for `--seconds`, or until a signal ends the program. `root` is what the main thread holds.
pub fn wait_to_be_captured<R>(settings: &Settings, root: &R) -> ! {
    wait(settings.get("seconds"));
    black_box(root);
    // Without running destructors: they would take the graph apart, recursively.
    std::process::exit(0)
}

#[inline(never)]
fn wait(seconds: u64) {
    thread::sleep(Duration::from_secs(seconds));
}

/// Waits for a line on standard input; false at the end of the input.
///
/// Reads byte by byte: the buffer of `std::io::stdin()` would be malloc'd where an earlier block
/// was, with the references that this block held still in it.
#[inline(never)]
pub fn wait_for_line() -> bool {
    let mut byte = 0u8;
    // SAFETY: reads at most one byte, into `byte`.
    while unsafe { libc::read(0, std::ptr::from_mut(&mut byte).cast(), 1) } == 1 {
        if byte == b'\n' {
            return true;
        }
    }
    false
}
