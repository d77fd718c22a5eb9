//! A process that runs out of file descriptors comes back when it has some again.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use hyper::Method;
use tokio::net::TcpStream;

use crate::house::{House, recorded, request, send, settled, soon};

/// Enough for the runtime and a few connections.
const DESCRIPTORS: usize = 40;

#[tokio::test]
async fn a_failure_to_accept_passes() {
    let child = "descriptors::child_process_that_serves --exact --ignored --nocapture";
    let script = format!("ulimit -n {DESCRIPTORS} && exec \"$0\" {child}");
    let mut server = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut line = |wanted: &str| loop {
        let line = lines.next().expect("the child goes on").unwrap();
        if let Some((_, rest)) = line.split_once(wanted) {
            return rest.to_owned();
        }
    };
    let addr: SocketAddr = line("listening on ").parse().unwrap();
    let mut crowd = Vec::new();
    for _ in 0..DESCRIPTORS * 2 {
        crowd.push(soon(TcpStream::connect(addr)).await.unwrap());
    }
    line("can't accept a connection");
    drop(crowd);
    assert_eq!(send(addr, request(Method::GET, "/healthz", &[], "")).await.status, 200);
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[tokio::test]
#[ignore = "the child process of a_failure_to_accept_passes; ends with its stdin"]
async fn child_process_that_serves() {
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout);
    tracing::subscriber::set_global_default(log.finish()).unwrap();
    let (handle, _arrivals) = recorded(settled());
    let house = House::open(handle).await;
    println!("listening on {}", house.addr);
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    assert_eq!(ended.await.unwrap().unwrap(), 0);
}
