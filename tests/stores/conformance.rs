//! What every store must do. Each case starts with an empty store.

use std::collections::BTreeSet;
use std::sync::Arc;

use rungate::store::{
    CollectionPath, Condition, DOCUMENT_MAX, DocPath, Document, Filter, LIST_MAX, Order, Query,
    Store, StoreError, Version,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Writers that want the same thing at once: as many as the deliveries of one message that the
/// service promises to survive.
const RIVALS: usize = 50;

/// Runs every case against a store: `conformance!(name => expression of a Fresh)`.
#[macro_export]
macro_rules! conformance {
    ($store:ident => $fresh:expr) => {
        $crate::conformance!(@ $store, $fresh,
            a_document_reads_as_it_was_written,
            numbers_keep_every_bit,
            of_many_creators_one_wins,
            of_many_updaters_of_one_version_one_wins,
            updaters_that_read_again_lose_nothing,
            a_stale_version_changes_nothing,
            what_is_gone_can_not_be_changed,
            a_version_never_comes_back,
            a_mark_of_nobody_is_a_conflict,
            only_objects_can_be_stored,
            a_document_may_be_large_but_not_too_large,
            a_collection_does_not_show_what_lies_below,
            a_list_goes_by_the_bytes_of_the_id,
            a_list_is_read_page_by_page,
            a_list_has_a_limit,
            filters_look_at_type_and_value,
            all_filters_must_hold,
            a_dropped_future_does_not_undo_its_write,
        );
    };
    (@ $store:ident, $fresh:expr, $($case:ident),* $(,)?) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let fresh = $fresh;
                    $crate::conformance::bounded($crate::conformance::$case(fresh.store)).await;
                }
            )*
        }
    };
}

/// A case that takes longer than this hangs.
pub async fn bounded(case: impl Future<Output = ()>) {
    tokio::time::timeout(std::time::Duration::from_secs(60), case).await.expect("the case hangs");
}

pub fn doc(path: &str) -> DocPath {
    DocPath::new(path).unwrap()
}

fn collection(path: &str) -> CollectionPath {
    CollectionPath::new(path).unwrap()
}

fn ids(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.path.id()).collect()
}

async fn read(store: &Arc<dyn Store>, path: &DocPath) -> Document {
    store.get(path).await.unwrap().expect("the document is there")
}

pub async fn a_document_reads_as_it_was_written(store: Arc<dyn Store>) {
    let path = doc("runs/Größe-日本-🚀");
    let body = json!({
        "price": "1234567890.12345678901234567890",
        "tiny": "-0.000000001",
        "text": "a\u{0}b \"quoted\" \\ \u{1F680} \u{2028}",
        "": "an empty name",
        "a.b": { "c": [1, -1, 9_007_199_254_740_993_i64, u64::MAX, i64::MIN, 0.1, null, true] },
        "empty": {}, "none": [],
    });
    assert_eq!(store.get(&path).await.unwrap(), None);
    let version = store.create(&path, &body).await.unwrap();
    let expected = Document { path: path.clone(), version, body };
    assert_eq!(read(&store, &path).await, expected);
    let all = store.list(&Query::all(collection("runs"))).await.unwrap();
    assert_eq!(all, [expected]);
}

pub async fn numbers_keep_every_bit(store: Arc<dyn Store>) {
    // Steps through the whole range of floating point, with an odd stride.
    let numbers: Vec<f64> = (0..20_000_u64)
        .map(|step| f64::from_bits(step.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .filter(|number| number.is_finite())
        .collect();
    let body = json!({ "numbers": numbers });
    store.create(&doc("c/a"), &body).await.unwrap();
    assert!(read(&store, &doc("c/a")).await.body == body);
}

pub async fn of_many_creators_one_wins(store: Arc<dyn Store>) {
    let path = doc("runs/a");
    let mut rivals = JoinSet::new();
    for rival in 0..RIVALS {
        let (store, path) = (store.clone(), path.clone());
        rivals.spawn(async move { (rival, store.create(&path, &json!({ "owner": rival })).await) });
    }
    let mut winners = Vec::new();
    while let Some(done) = rivals.join_next().await {
        match done.unwrap() {
            (rival, Ok(version)) => winners.push((rival, version)),
            (_, Err(StoreError::Exists(there))) => assert_eq!(there, path),
            (_, Err(other)) => panic!("{other}"),
        }
    }
    let [(winner, version)] = &winners[..] else { panic!("{winners:?} won") };
    let found = read(&store, &path).await;
    assert_eq!((&found.body, &found.version), (&json!({ "owner": winner }), version));
}

pub async fn of_many_updaters_of_one_version_one_wins(store: Arc<dyn Store>) {
    let path = doc("runs/a");
    let first = store.create(&path, &json!({})).await.unwrap();
    let mut rivals = JoinSet::new();
    for rival in 0..RIVALS {
        let (store, path, first) = (store.clone(), path.clone(), first.clone());
        rivals.spawn(async move {
            (rival, store.update(&path, &first, &json!({ "owner": rival })).await)
        });
    }
    let mut winners = Vec::new();
    while let Some(done) = rivals.join_next().await {
        match done.unwrap() {
            (rival, Ok(version)) => winners.push((rival, version)),
            (_, Err(StoreError::Conflict(there))) => assert_eq!(there, path),
            (_, Err(other)) => panic!("{other}"),
        }
    }
    let [(winner, version)] = &winners[..] else { panic!("{winners:?} won") };
    let found = read(&store, &path).await;
    assert_eq!((&found.body, &found.version), (&json!({ "owner": winner }), version));
}

/// Eight writers count to forty together; a lost update would leave the count short.
pub async fn updaters_that_read_again_lose_nothing(store: Arc<dyn Store>) {
    const WRITERS: u64 = 8;
    const STEPS: u64 = 5;
    let path = doc("counters/a");
    store.create(&path, &json!({ "count": 0 })).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, path) = (store.clone(), path.clone());
        writers.spawn(async move {
            let mut done = 0;
            while done < STEPS {
                let found = read(&store, &path).await;
                let count = found.body["count"].as_u64().unwrap() + 1;
                match store.update(&path, &found.version, &json!({ "count": count })).await {
                    Ok(_) => done += 1,
                    Err(StoreError::Conflict(_)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_eq!(read(&store, &path).await.body, json!({ "count": WRITERS * STEPS }));
}

pub async fn a_stale_version_changes_nothing(store: Arc<dyn Store>) {
    let path = doc("runs/a");
    let first = store.create(&path, &json!({ "n": 1 })).await.unwrap();
    let second = store.update(&path, &first, &json!({ "n": 2 })).await.unwrap();
    assert_ne!(first, second);
    let update = store.update(&path, &first, &json!({ "n": 3 })).await;
    assert!(matches!(update, Err(StoreError::Conflict(there)) if there == path));
    let delete = store.delete(&path, &first).await;
    assert!(matches!(delete, Err(StoreError::Conflict(there)) if there == path));
    let found = read(&store, &path).await;
    assert_eq!((found.body, found.version), (json!({ "n": 2 }), second));
}

pub async fn what_is_gone_can_not_be_changed(store: Arc<dyn Store>) {
    let path = doc("runs/a");
    let first = store.create(&path, &json!({})).await.unwrap();
    store.delete(&path, &first).await.unwrap();
    assert_eq!(store.get(&path).await.unwrap(), None);
    assert_eq!(store.list(&Query::all(collection("runs"))).await.unwrap(), []);
    let update = store.update(&path, &first, &json!({})).await;
    assert!(matches!(update, Err(StoreError::Conflict(_))));
    assert!(matches!(store.delete(&path, &first).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.get(&path).await.unwrap(), None);
}

pub async fn a_version_never_comes_back(store: Arc<dyn Store>) {
    let path = doc("runs/a");
    let mut seen: Vec<Version> = Vec::new();
    for round in 0..5 {
        let created = store.create(&path, &json!({ "round": round })).await.unwrap();
        // The same body again is a new state all the same.
        let updated = store.update(&path, &created, &json!({ "round": round })).await.unwrap();
        assert!(!seen.contains(&created) && !seen.contains(&updated) && created != updated);
        for old in &seen {
            let late = store.update(&path, old, &json!({ "late": true })).await;
            assert!(matches!(late, Err(StoreError::Conflict(_))), "{old:?}");
        }
        store.delete(&path, &updated).await.unwrap();
        seen.extend([created, updated]);
    }
}

pub async fn a_mark_of_nobody_is_a_conflict(store: Arc<dyn Store>) {
    let path = doc("runs/a");
    store.create(&path, &json!({})).await.unwrap();
    for mark in ["", "x", "99999999999999999999999999", "1; DROP TABLE documents"] {
        let update = store.update(&path, &Version::new(mark), &json!({ "n": 1 })).await;
        assert!(matches!(update, Err(StoreError::Conflict(_))), "{mark:?}");
    }
    assert_eq!(read(&store, &path).await.body, json!({}));
}

pub async fn only_objects_can_be_stored(store: Arc<dyn Store>) {
    let (path, other) = (doc("runs/a"), doc("runs/b"));
    let first = store.create(&path, &json!({})).await.unwrap();
    for body in [json!([1]), json!("text"), json!(1), Value::Null, json!(true)] {
        let create = store.create(&other, &body).await;
        assert!(matches!(create, Err(StoreError::Unstorable { .. })), "{body}");
        let update = store.update(&path, &first, &body).await;
        assert!(matches!(update, Err(StoreError::Unstorable { .. })), "{body}");
    }
    assert_eq!(store.get(&other).await.unwrap(), None);
    assert_eq!(read(&store, &path).await.version, first);
}

pub async fn a_document_may_be_large_but_not_too_large(store: Arc<dyn Store>) {
    let sized = |bytes: usize| {
        let frame = json!({ "text": "" }).to_string().len();
        json!({ "text": "x".repeat(bytes - frame) })
    };
    let (largest, larger) = (sized(DOCUMENT_MAX), sized(DOCUMENT_MAX + 1));
    let path = doc("runs/a");
    let refused = store.create(&path, &larger).await;
    assert!(matches!(refused, Err(StoreError::Unstorable { .. })));
    let first = store.create(&path, &largest).await.unwrap();
    let refused = store.update(&path, &first, &larger).await;
    assert!(matches!(refused, Err(StoreError::Unstorable { .. })));
    let found = read(&store, &path).await;
    assert!(found.body == largest && found.version == first);
}

pub async fn a_collection_does_not_show_what_lies_below(store: Arc<dyn Store>) {
    for path in ["runs/a", "runs/a/events/1", "runs/b/events/2", "runsx/c", "run/d"] {
        store.create(&doc(path), &json!({ "path": path })).await.unwrap();
    }
    let list = async |path: &str| store.list(&Query::all(collection(path))).await.unwrap();
    assert_eq!(ids(&list("runs").await), ["a"]);
    assert_eq!(ids(&list("runs/a/events").await), ["1"]);
    // Its parent document does not exist, and need not.
    assert_eq!(ids(&list("runs/b/events").await), ["2"]);
    assert_eq!(ids(&list("nothing").await), [""; 0]);
    let parent = read(&store, &doc("runs/a")).await;
    store.delete(&doc("runs/a"), &parent.version).await.unwrap();
    assert_eq!(ids(&list("runs/a/events").await), ["1"]);
}

pub async fn a_list_goes_by_the_bytes_of_the_id(store: Arc<dyn Store>) {
    let names = ["10", "2", "Z", "a", "a b", "a-b", "a.b", "ab", "é", "日", "\u{FFFD}", "🚀"];
    let sorted: BTreeSet<&str> = names.iter().copied().collect();
    for name in names.iter().rev() {
        store.create(&doc(&format!("c/{name}")), &json!({})).await.unwrap();
    }
    let up = store.list(&Query::all(collection("c"))).await.unwrap();
    assert_eq!(ids(&up), sorted.iter().copied().collect::<Vec<_>>());
    let down = store.list(&Query::all(collection("c")).newest(LIST_MAX)).await.unwrap();
    assert_eq!(ids(&down), sorted.iter().rev().copied().collect::<Vec<_>>());
}

pub async fn a_list_is_read_page_by_page(store: Arc<dyn Store>) {
    for number in 0..10 {
        let body = json!({ "even": number % 2 == 0 });
        store.create(&doc(&format!("c/{number}")), &body).await.unwrap();
    }
    let page = async |order, after: Option<&str>, limit| {
        let after = after.map(str::to_owned);
        let query = Query { order, after, limit, ..Query::all(collection("c")).with("even", true) };
        let found = store.list(&query).await.unwrap();
        ids(&found).join(" ")
    };
    assert_eq!(page(Order::Ascending, None, 3).await, "0 2 4");
    assert_eq!(page(Order::Ascending, Some("4"), 3).await, "6 8");
    assert_eq!(page(Order::Ascending, Some("8"), 3).await, "");
    // The document behind which the page starts may be gone, or never have been.
    assert_eq!(page(Order::Ascending, Some("3x"), 1).await, "4");
    assert_eq!(page(Order::Descending, None, 3).await, "8 6 4");
    assert_eq!(page(Order::Descending, Some("4"), 3).await, "2 0");
    assert_eq!(page(Order::Ascending, None, 0).await, "");
}

pub async fn a_list_has_a_limit(store: Arc<dyn Store>) {
    let mut writers = JoinSet::new();
    for number in 0..LIST_MAX + 5 {
        let store = store.clone();
        writers.spawn(async move {
            store.create(&doc(&format!("c/{number:05}")), &json!({})).await.unwrap();
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let query = Query { limit: usize::MAX, ..Query::all(collection("c")) };
    let first = store.list(&query).await.unwrap();
    assert_eq!(first.len(), LIST_MAX);
    let last = first.last().map(|document| document.path.id().to_owned());
    let rest = store.list(&Query { after: last, ..query }).await.unwrap();
    assert_eq!(ids(&rest), ["01000", "01001", "01002", "01003", "01004"]);
}

pub async fn filters_look_at_type_and_value(store: Arc<dyn Store>) {
    // A store may have an index for a field: the answers are the same.
    for field in ["x", "open", "run_key"] {
        filters_of_one_field(&store, field).await;
    }
}

async fn filters_of_one_field(store: &Arc<dyn Store>, field: &str) {
    let values = [
        ("absent", json!({})),
        ("false", json!({ field: false })),
        ("int", json!({ field: 7 })),
        ("list", json!({ field: [7] })),
        ("negative", json!({ field: -7 })),
        ("nested", json!({ "y": { field: 7 } })),
        ("null", json!({ field: null })),
        ("one", json!({ field: 1 })),
        ("text-10", json!({ field: "10" })),
        ("text-7", json!({ field: "7" })),
        ("text-true", json!({ field: "true" })),
        ("text-é", json!({ field: "é" })),
        ("true", json!({ field: true })),
    ];
    for (id, body) in &values {
        store.create(&doc(&format!("{field}/{id}")), body).await.expect("a new document");
    }
    let found = async |condition| {
        let filters = vec![Filter { field: field.to_owned(), condition }];
        let query = Query { filters, ..Query::all(collection(field)) };
        ids(&store.list(&query).await.expect("a list")).join(" ")
    };
    assert_eq!(found(Condition::Equals(json!(7))).await, "int");
    assert_eq!(found(Condition::Equals(json!("7"))).await, "text-7");
    assert_eq!(found(Condition::Equals(json!("true"))).await, "text-true");
    assert_eq!(found(Condition::Equals(json!(true))).await, "true");
    assert_eq!(found(Condition::Equals(json!(false))).await, "false");
    assert_eq!(found(Condition::Equals(json!(1))).await, "one");
    assert_eq!(found(Condition::AtLeast(json!(-7))).await, "int negative one");
    assert_eq!(found(Condition::LessThan(json!(7))).await, "negative one");
    assert_eq!(found(Condition::LessThan(json!(0.5))).await, "negative");
    // By bytes: "10" before "7" before "true" before "é".
    assert_eq!(found(Condition::AtLeast(json!("7"))).await, "text-7 text-true text-é");
    assert_eq!(found(Condition::LessThan(json!("7"))).await, "text-10");
    assert_eq!(found(Condition::LessThan(json!(true))).await, "false");
}

pub async fn all_filters_must_hold(store: Arc<dyn Store>) {
    for (id, mode, day) in [("a", "paper", 1), ("b", "paper", 2), ("c", "live", 2)] {
        let body = json!({ "mode": mode, "day": day, "a.b": mode, "'\"": day });
        store.create(&doc(&format!("c/{id}")), &body).await.unwrap();
    }
    let all = || Query::all(collection("c"));
    let found = async |query| ids(&store.list(&query).await.unwrap()).join(" ");
    assert_eq!(found(all().with("mode", "paper").with("day", 2)).await, "b");
    assert_eq!(found(all().with("mode", "live").with("day", 1)).await, "");
    // Names are names, not paths or code.
    assert_eq!(found(all().with("a.b", "live")).await, "c");
    assert_eq!(found(all().with("'\"", 1)).await, "a");
}

/// The futures are polled once, so that the write is under way, and dropped.
pub async fn a_dropped_future_does_not_undo_its_write(store: Arc<dyn Store>) {
    for number in 0..20 {
        let (path, body) = (doc(&format!("c/{number}")), json!({ "number": number }));
        let mut write = store.create(&path, &body);
        std::future::poll_fn(|cx| {
            // Whether it is ready already does not matter: it is dropped either way.
            std::task::Poll::Ready(write.as_mut().poll(cx).is_ready())
        })
        .await;
        drop(write);
        assert_eq!(read(&store, &path).await.body, body);
    }
}
