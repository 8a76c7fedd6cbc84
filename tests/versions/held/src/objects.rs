//! Containers inside of objects: an object on main's stack holds a container of listeners.

use crate::listener::{drop_some, forget, scrub_stack, Listener, Truth, DROPPED, HELD, REMOVED, RINGS};
use crate::Built;
use rudo_gc::{Gc, Trace, Visitor};
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::task::{Context, Waker};

type Item = Gc<Listener>;
type Items<'a> = &'a mut dyn Iterator<Item = Item>;

/// A kind of container.
trait Container: Sized + 'static {
    fn fill(items: Items) -> Self;
    /// Takes a listener out.
    fn take(&mut self) -> Item;
}

/// An object with a container.
struct Holder<C: 'static> {
    id: u64,
    held: RefCell<C>,
    own: RefCell<Option<Gc<Holder<C>>>>,
}

// The collector is off, and of most of these containers it could not find the references.
unsafe impl<C: 'static> Trace for Holder<C> {
    fn trace(&self, visitor: &mut impl Visitor) {
        self.own.borrow().trace(visitor);
    }
}

#[inline(never)]
fn holder<C: Container>(id: u64, count: u64) -> Gc<Holder<C>> {
    let mut items = (0..count).map(Listener::new);
    let held = RefCell::new(C::fill(&mut items));
    Gc::new(Holder { id, held, own: RefCell::new(None) })
}

#[inline(never)]
fn leave_ring<C: Container>(id: u64) {
    let ring = holder::<C>(id, 3);
    let own = Gc::clone(&ring);
    *ring.own.borrow_mut() = Some(own);
}

#[inline(never)]
fn build<C: Container>() -> Built {
    let kept = holder::<C>(0, HELD + REMOVED);
    for _ in 0..REMOVED {
        forget(kept.held.borrow_mut().take());
    }
    for id in 0..RINGS {
        leave_ring::<C>(id);
    }
    drop_some();
    scrub_stack();
    assert!(kept.id == 0);
    let truth = Truth {
        reachable: 1 + HELD,
        garbage: REMOVED + 4 * RINGS,
        zombies: DROPPED,
        removed: REMOVED,
        leaking_type: "held::listener::Listener",
        leaked: HELD,
        ..Truth::default()
    };
    (Box::new(kept), truth)
}

macro_rules! kind {
    ($name:literal, $type:ty) => {
        ($name, build::<$type> as fn() -> Built)
    };
}

pub const KINDS: &[(&str, fn() -> Built)] = &[
    kind!("vec", Vec<Item>),
    kind!("vecdeque", VecDeque<Item>),
    kind!("hashmap", HashMap<u64, Item>),
    kind!("btreemap", BTreeMap<u64, Item>),
    kind!("hashset", HashSet<ById>),
    kind!("btreeset", BTreeSet<ById>),
    kind!("binaryheap", BinaryHeap<ById>),
    kind!("linkedlist", LinkedList<Item>),
    kind!("options", Vec<Option<Item>>),
    kind!("boxslice", Boxed),
    kind!("rc", Rc<RefCell<Vec<Item>>>),
    kind!("arc", Arc<Mutex<Vec<Item>>>),
    kind!("rwlock", RwLock<Vec<Item>>),
    kind!("oncecell", OnceCell<Vec<Item>>),
    kind!("oncelock", OnceLock<Vec<Item>>),
    kind!("cow", Cow<'static, [Item]>),
    kind!("rcs", Vec<Rc<Item>>),
    kind!("dyn", Vec<Box<dyn Notify>>),
    kind!("niches", Vec<Slot>),
    kind!("closures", Vec<Closure>),
    kind!("futures", Vec<Waiting>),
    kind!("named", Named),
    kind!("smallvec", smallvec::SmallVec<[Item; 4]>),
    kind!("smallvecs", Vec<smallvec::SmallVec<[Item; 4]>>),
    kind!("indexmap", indexmap::IndexMap<u64, Item>),
    kind!("indexset", indexmap::IndexSet<ById>),
    kind!("im-vector", im::Vector<Item>),
    kind!("im-hashmap", im::HashMap<u64, Item>),
    kind!("im-ordmap", im::OrdMap<u64, Item>),
    kind!("rpds-vector", rpds::Vector<Item>),
    kind!("rpds-map", rpds::HashTrieMap<u64, Item>),
    kind!("rpds-tree", rpds::RedBlackTreeMap<u64, Item>),
    kind!("rpds-list", rpds::List<Item>),
];

#[derive(Clone)]
pub struct ById(Item);

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}
impl Eq for ById {}
impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}
impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl Container for Vec<Item> {
    fn fill(items: Items) -> Self {
        items.collect()
    }
    fn take(&mut self) -> Item {
        self.pop().unwrap()
    }
}

impl Container for VecDeque<Item> {
    fn fill(items: Items) -> Self {
        items.collect()
    }
    fn take(&mut self) -> Item {
        self.pop_front().unwrap()
    }
}

impl Container for HashMap<u64, Item> {
    fn fill(items: Items) -> Self {
        items.map(|item| (item.id, item)).collect()
    }
    fn take(&mut self) -> Item {
        let key = *self.keys().next().unwrap();
        self.remove(&key).unwrap()
    }
}

impl Container for BTreeMap<u64, Item> {
    fn fill(items: Items) -> Self {
        items.map(|item| (item.id, item)).collect()
    }
    fn take(&mut self) -> Item {
        self.pop_first().unwrap().1
    }
}

impl Container for HashSet<ById> {
    fn fill(items: Items) -> Self {
        items.map(ById).collect()
    }
    fn take(&mut self) -> Item {
        let key = self.iter().next().unwrap().clone();
        self.take(&key).unwrap().0
    }
}

impl Container for BTreeSet<ById> {
    fn fill(items: Items) -> Self {
        items.map(ById).collect()
    }
    fn take(&mut self) -> Item {
        self.pop_last().unwrap().0
    }
}

impl Container for BinaryHeap<ById> {
    fn fill(items: Items) -> Self {
        items.map(ById).collect()
    }
    fn take(&mut self) -> Item {
        self.pop().unwrap().0
    }
}

impl Container for LinkedList<Item> {
    fn fill(items: Items) -> Self {
        items.collect()
    }
    fn take(&mut self) -> Item {
        self.pop_front().unwrap()
    }
}

// Every tenth is none from the beginning; taking leaves a none.
impl Container for Vec<Option<Item>> {
    fn fill(items: Items) -> Self {
        items.flat_map(|item| if item.id % 10 == 9 { vec![None, Some(item)] } else { vec![Some(item)] }).collect()
    }
    fn take(&mut self) -> Item {
        self.iter_mut().find(|place| place.is_some()).unwrap().take().unwrap()
    }
}

/// Slices do not shrink: another one takes the place.
pub struct Boxed(Box<[Item]>);

impl Container for Boxed {
    fn fill(items: Items) -> Self {
        Self(items.collect())
    }
    fn take(&mut self) -> Item {
        let mut items = std::mem::take(&mut self.0).into_vec();
        let item = items.swap_remove(0);
        self.0 = items.into_boxed_slice();
        item
    }
}

impl Container for Rc<RefCell<Vec<Item>>> {
    fn fill(items: Items) -> Self {
        Rc::new(RefCell::new(items.collect()))
    }
    fn take(&mut self) -> Item {
        self.borrow_mut().swap_remove(0)
    }
}

impl Container for Arc<Mutex<Vec<Item>>> {
    fn fill(items: Items) -> Self {
        Arc::new(Mutex::new(items.collect()))
    }
    fn take(&mut self) -> Item {
        self.lock().unwrap().swap_remove(0)
    }
}

impl Container for RwLock<Vec<Item>> {
    fn fill(items: Items) -> Self {
        RwLock::new(items.collect())
    }
    fn take(&mut self) -> Item {
        self.write().unwrap().swap_remove(0)
    }
}

impl Container for OnceCell<Vec<Item>> {
    fn fill(items: Items) -> Self {
        OnceCell::from(items.collect::<Vec<_>>())
    }
    fn take(&mut self) -> Item {
        self.get_mut().unwrap().pop().unwrap()
    }
}

impl Container for OnceLock<Vec<Item>> {
    fn fill(items: Items) -> Self {
        OnceLock::from(items.collect::<Vec<_>>())
    }
    fn take(&mut self) -> Item {
        self.get_mut().unwrap().pop().unwrap()
    }
}

impl Container for Cow<'static, [Item]> {
    fn fill(items: Items) -> Self {
        Cow::Owned(items.collect())
    }
    fn take(&mut self) -> Item {
        self.to_mut().pop().unwrap()
    }
}

impl Container for Vec<Rc<Item>> {
    fn fill(items: Items) -> Self {
        items.map(Rc::new).collect()
    }
    fn take(&mut self) -> Item {
        Rc::try_unwrap(self.swap_remove(0)).ok().unwrap()
    }
}

pub trait Notify {
    fn end(self: Box<Self>) -> Item;
}

struct ByMail {
    times: u64,
    listener: Item,
}

struct ByPost(Item);

impl Notify for ByMail {
    fn end(self: Box<Self>) -> Item {
        assert!(self.times < HELD + REMOVED);
        self.listener
    }
}

impl Notify for ByPost {
    fn end(self: Box<Self>) -> Item {
        self.0
    }
}

impl Container for Vec<Box<dyn Notify>> {
    fn fill(items: Items) -> Self {
        items
            .map(|listener| match listener.id % 2 {
                0 => Box::new(ByMail { times: listener.id, listener }) as Box<dyn Notify>,
                _ => Box::new(ByPost(listener)),
            })
            .collect()
    }
    fn take(&mut self) -> Item {
        self.swap_remove(0).end()
    }
}

/// The tag of `Empty` and `Many` is in the capacity of the string.
pub enum Slot {
    Empty,
    One(Item),
    Many(Box<[Item]>),
    Named(String, Item),
}

impl Container for Vec<Slot> {
    fn fill(items: Items) -> Self {
        let mut slots = Vec::new();
        while let Some(item) = items.next() {
            slots.push(match item.id % 5 {
                0 => Slot::Many([Some(item), items.next()].into_iter().flatten().collect()),
                2 => Slot::Named(format!("listener {}", item.id), item),
                _ => Slot::One(item),
            });
        }
        slots
    }
    fn take(&mut self) -> Item {
        let slot = self.iter_mut().find(|slot| matches!(slot, Slot::One(_) | Slot::Named(_, _))).unwrap();
        match std::mem::replace(slot, Slot::Empty) {
            Slot::One(item) | Slot::Named(_, item) => item,
            Slot::Empty | Slot::Many(_) => unreachable!(),
        }
    }
}

type Closure = Box<dyn FnMut(bool) -> Option<Item>>;

impl Container for Vec<Closure> {
    fn fill(items: Items) -> Self {
        items
            .map(|item| {
                let mut item = Some(item);
                Box::new(move |is_last: bool| if is_last { item.take() } else { None }) as Closure
            })
            .collect()
    }
    fn take(&mut self) -> Item {
        self.swap_remove(0)(true).unwrap()
    }
}

type Waiting = Pin<Box<dyn Future<Output = Item>>>;

/// Ready when it is polled for the second time.
async fn second_poll() {
    let mut is_first = true;
    std::future::poll_fn(|_| {
        if std::mem::take(&mut is_first) {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
}

fn poll(future: &mut Waiting) -> Option<Item> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(item) => Some(item),
        std::task::Poll::Pending => None,
    }
}

// Every second future was never polled: its listener is a captured variable.
impl Container for Vec<Waiting> {
    fn fill(items: Items) -> Self {
        items
            .map(|item| {
                let id = item.id;
                let mut future: Waiting = Box::pin(async move {
                    let listener = item;
                    second_poll().await;
                    listener
                });
                if id % 2 == 0 {
                    assert!(poll(&mut future).is_none());
                }
                future
            })
            .collect()
    }
    fn take(&mut self) -> Item {
        let mut future = self.swap_remove(0);
        loop {
            if let Some(item) = poll(&mut future) {
                return item;
            }
        }
    }
}

/// Listeners by names, shared with others.
pub struct Named(Arc<Mutex<HashMap<String, Vec<Item>>>>);

impl Container for Named {
    fn fill(items: Items) -> Self {
        let mut map: HashMap<String, Vec<Item>> = HashMap::new();
        for item in items {
            map.entry(format!("topic-{}", item.id % 50)).or_default().push(item);
        }
        Self(Arc::new(Mutex::new(map)))
    }
    fn take(&mut self) -> Item {
        let mut map = self.0.lock().unwrap();
        map.values_mut().max_by_key(|items| items.len()).unwrap().pop().unwrap()
    }
}

impl Container for smallvec::SmallVec<[Item; 4]> {
    fn fill(items: Items) -> Self {
        items.collect()
    }
    fn take(&mut self) -> Item {
        self.swap_remove(0)
    }
}

// Most of them have their items inside.
impl Container for Vec<smallvec::SmallVec<[Item; 4]>> {
    fn fill(items: Items) -> Self {
        let mut lists = Vec::new();
        while let Some(item) = items.next() {
            let length = item.id as usize % 7;
            let mut list = smallvec::smallvec![item];
            list.extend(items.take(length));
            lists.push(list);
        }
        lists
    }
    fn take(&mut self) -> Item {
        self.iter_mut().find_map(smallvec::SmallVec::pop).unwrap()
    }
}

impl Container for indexmap::IndexMap<u64, Item> {
    fn fill(items: Items) -> Self {
        items.map(|item| (item.id, item)).collect()
    }
    fn take(&mut self) -> Item {
        self.swap_remove_index(0).unwrap().1
    }
}

impl Container for indexmap::IndexSet<ById> {
    fn fill(items: Items) -> Self {
        items.map(ById).collect()
    }
    fn take(&mut self) -> Item {
        self.pop().unwrap().0
    }
}

impl Container for im::Vector<Item> {
    fn fill(items: Items) -> Self {
        items.collect()
    }
    fn take(&mut self) -> Item {
        self.pop_front().unwrap()
    }
}

impl Container for im::HashMap<u64, Item> {
    fn fill(items: Items) -> Self {
        items.map(|item| (item.id, item)).collect()
    }
    fn take(&mut self) -> Item {
        let key = *self.keys().next().unwrap();
        self.remove(&key).unwrap()
    }
}

impl Container for im::OrdMap<u64, Item> {
    fn fill(items: Items) -> Self {
        items.map(|item| (item.id, item)).collect()
    }
    fn take(&mut self) -> Item {
        let key = self.get_min().unwrap().0;
        self.remove(&key).unwrap()
    }
}

impl Container for rpds::Vector<Item> {
    fn fill(items: Items) -> Self {
        items.collect()
    }
    fn take(&mut self) -> Item {
        let item = self.last().unwrap().clone();
        assert!(self.drop_last_mut());
        item
    }
}

impl Container for rpds::HashTrieMap<u64, Item> {
    fn fill(items: Items) -> Self {
        items.map(|item| (item.id, item)).collect()
    }
    fn take(&mut self) -> Item {
        let (key, item) = self.iter().next().map(|(key, item)| (*key, item.clone())).unwrap();
        assert!(self.remove_mut(&key));
        item
    }
}

impl Container for rpds::RedBlackTreeMap<u64, Item> {
    fn fill(items: Items) -> Self {
        items.map(|item| (item.id, item)).collect()
    }
    fn take(&mut self) -> Item {
        let (key, item) = self.first().map(|(key, item)| (*key, item.clone())).unwrap();
        assert!(self.remove_mut(&key));
        item
    }
}

impl Container for rpds::List<Item> {
    fn fill(items: Items) -> Self {
        let mut list = rpds::List::new();
        for item in items {
            list.push_front_mut(item);
        }
        list
    }
    fn take(&mut self) -> Item {
        let item = self.first().unwrap().clone();
        assert!(self.drop_first_mut());
        item
    }
}
