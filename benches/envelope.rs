//! How long a push takes to become a delivery.

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hyper::HeaderMap;
use rungate::push::read_message;

fn envelope(c: &mut Criterion) {
    let headers = HeaderMap::new();
    let mut group = c.benchmark_group("envelope");
    for (name, body) in [
        ("scheduled", &include_bytes!("../tests/fixtures/wrapped.json")[..]),
        ("attributes-only", &include_bytes!("../tests/fixtures/attributes-only.json")[..]),
        ("target-book-100-lines", &include_bytes!("../tests/fixtures/target-book.json")[..]),
    ] {
        let body = Bytes::from_static(body);
        group.throughput(Throughput::Bytes(body.len().try_into().unwrap_or(u64::MAX)));
        group.bench_function(name, |b| b.iter(|| read_message(&headers, body.clone())));
    }
    group.finish();
}

criterion_group!(benches, envelope);
criterion_main!(benches);
