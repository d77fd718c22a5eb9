//! The control API, asked over a plain socket.

use std::net::SocketAddr;

use rungate::sim::{ControlError, SimError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::faults::peer::{self, Peer};
use super::*;

async fn controlled() -> (Simulator, Control) {
    let control = Some("127.0.0.1:0".to_owned());
    let simulator = Simulator::start(Options { control, ..Options::loopback(1) }).await.unwrap();
    let addr = simulator.control_addr().unwrap();
    (simulator, Control { addr })
}

#[derive(Clone, Copy)]
struct Control {
    addr: SocketAddr,
}

impl Control {
    /// Sends bytes, and reads until the API closes.
    async fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = within(TcpStream::connect(self.addr)).await.unwrap();
        within(stream.write_all(request.as_bytes())).await.unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer)).await.unwrap();
        let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned());
        (status, body)
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (addr, length) = (self.addr, body.len());
        let (status, body) = self
            .raw(&format!(
                "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            ))
            .await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.send("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, value) = self.send("POST", path, &body.to_string()).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// The status and the first problem of a refusal.
    async fn refused(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let (status, value) = self.send(method, path, body).await;
        let problem = value["problems"][0].as_str().unwrap_or_default().to_owned();
        (status, problem)
    }
}

#[tokio::test]
async fn the_truth_and_the_clients_are_told() {
    let (simulator, control) = controlled().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 10.0)).await;
    let truth = control.get("/truth").await;
    assert_eq!(truth, serde_json::to_value(simulator.truth()).unwrap());
    assert_eq!(truth["executions"][0]["shares"], json!("10"));
    let clients = control.get("/clients").await;
    assert_eq!(clients[0]["client_id"], json!(CLIENT));
}

#[tokio::test]
async fn faults_are_asked_for_listed_and_ended() {
    let (simulator, control) = controlled().await;
    let mut peer = Peer::start(&simulator, 7).await;
    let lost = json!({ "fault": "lose-order", "place": "unread", "times": 5 });
    let armed = control.post("/faults", lost).await;
    peer.place(1, peer::at_market()).await;
    assert_eq!(peer.story().await, [""; 0]);
    let list = control.get("/faults").await;
    assert_eq!(list[0]["fault"], json!("lose-order"));
    assert_eq!((&list[0]["stage"], &list[0]["fired"]), (&json!("active"), &json!(1)));
    assert_eq!(list[0]["id"], armed["ids"][0]);
    let ended = control.send("DELETE", &format!("/faults/{}", armed["ids"][0]), "").await;
    assert_eq!(ended.0, 200);
    peer.place(1, peer::at_market()).await;
    assert!(!peer.settled().await.is_empty());

    // The form of a scenario file, as JSON.
    let scenario = json!({ "seed": 3, "fault": [{ "fault": "mute" }, { "fault": "no-ticks" }] });
    assert_eq!(control.post("/faults", scenario).await["ids"].as_array().unwrap().len(), 2);
    let (status, ended) = control.send("DELETE", "/faults", "").await;
    assert_eq!((status, ended), (200, json!({ "ended": 2 })));
    peer.settled().await;
}

#[tokio::test]
async fn the_clock_is_set_moved_and_sped_up() {
    let (simulator, control) = controlled().await;
    let set = control.post("/clock", json!({ "set": "2026-03-02T14:30:00Z" })).await;
    assert!(set["now"].as_str().unwrap().starts_with("2026-03-02T14:30:0"), "{set}");
    control.post("/clock", json!({ "speed": 0 })).await;
    let before = simulator.now();
    let moved = control.post("/clock", json!({ "advance": "90m" })).await;
    let ahead = before + jiff::SignedDuration::from_mins(90);
    assert_eq!(moved["now"], json!(ahead.to_string()));
    assert_eq!(control.get("/clock").await["speed"], json!("0"));
    for nonsense in ["{}", "{\"set\": \"tomorrow\"}", "{\"advance\": \"-1h\"}", "{\"speed\": -1}"] {
        assert_eq!(control.refused("POST", "/clock", nonsense).await.0, 400, "{nonsense}");
    }
}

#[tokio::test]
async fn prices_are_pinned_and_the_gateway_restarts() {
    let (simulator, control) = controlled().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(41, peer::resting()).await;
    peer.settled().await;
    control.post("/prices", json!({ "symbol": "SPY", "bid": 499, "ask": "499.02" })).await;
    peer.until_line(|seen| seen.line() == "status Filled 10+0").await;
    control.post("/restart", json!({ "settings": "wiped" })).await;
    assert!(peer.end().await.is_ok());
    assert_eq!(Peer::start(&simulator, 7).await.next_id, 1);
}

#[tokio::test]
async fn orders_fill_and_are_cancelled_by_hand() {
    let (simulator, control) = controlled().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    for order_id in [1, 2] {
        peer.place(order_id, peer::resting()).await;
    }
    peer.settled().await;
    let perm_ids: Vec<i64> = simulator.truth().orders.into_keys().collect();
    let filled = control.post(&format!("/orders/{}/fill", perm_ids[0]), json!({})).await;
    assert_eq!(filled["status"], json!("Filled"));
    assert_eq!(simulator.truth().executions[0].price, dec("500"), "at its limit");
    let cancelled = control.post(&format!("/orders/{}/cancel", perm_ids[1]), json!({})).await;
    assert_eq!(cancelled["status"], json!("Cancelled"));
    let story = peer.story().await;
    assert!(story.contains(&"status Filled 10+0".to_owned()), "{story:?}");
    assert!(story.contains(&"status Cancelled 0+10".to_owned()), "{story:?}");

    let again = control.refused("POST", &format!("/orders/{}/fill", perm_ids[0]), "").await;
    assert_eq!(again.0, 409);
    assert_eq!(control.refused("POST", "/orders/5/cancel", "").await.0, 404);
}

#[tokio::test]
async fn an_order_entered_by_hand_belongs_to_nobody_and_cannot_be_cancelled_by_id() {
    let (simulator, control) = controlled().await;
    pin_spy(&simulator);
    let entered = json!({ "symbol": "SPY", "action": "BUY", "quantity": 5, "limit": "500" });
    let order = control.post("/orders", entered).await;
    assert_eq!((&order["order_id"], &order["order_ref"]), (&json!(0), &json!("")));
    let mut peer = Peer::start(&simulator, 7).await;
    peer.ask(peer::ALL_OPEN_ORDERS, None).await;
    let open = peer.until(peer::OPEN_ORDER).await;
    assert_eq!((open.number(1), open.inner(3).number(1)), (0, 0), "no order id, client 0");
    peer.until(53).await;
    peer.cancel(0).await;
    assert_eq!(peer.story().await, ["error 10147"]);
    let unknown = r#"{ "symbol": "NOSUCH", "action": "BUY", "quantity": 5 }"#;
    assert_eq!(control.refused("POST", "/orders", unknown).await.0, 400);
}

#[tokio::test]
async fn nonsense_is_refused_with_what_was_expected() {
    let (_simulator, control) = controlled().await;
    for (method, path, body, status, expected) in [
        ("GET", "/nowhere", "", 404, "expected /truth"),
        ("DELETE", "/truth", "", 405, "expected one of the methods GET"),
        ("POST", "/faults", "[]", 400, "expected a JSON object"),
        ("POST", "/faults", "{", 400, "expected a JSON object"),
        ("POST", "/faults", "{}", 400, "expected `fault`"),
        ("POST", "/faults", r#"{"fault":"silence"}"#, 400, "unknown variant `silence`"),
        ("POST", "/faults", r#"{"fault":"mute","times":0}"#, 400, "`times` is at least 1"),
        ("POST", "/faults", r#"{"fault":["mute"]}"#, 400, "expected an object"),
        ("POST", "/restart", r#"{"settings":"lost"}"#, 400, "unknown variant `lost`"),
        ("POST", "/prices", r#"{"symbol":"SPY","bid":2,"ask":1}"#, 400, "0 < `bid`"),
        ("POST", "/prices", r#"{"symbol":"NOSUCH","bid":1,"ask":2}"#, 400, "NOSUCH"),
        ("DELETE", "/faults/99", "", 404, "no fault 99 stands"),
        ("POST", "/orders/x/fill", "", 404, "expected a permId"),
    ] {
        let refused = control.refused(method, path, body).await;
        assert_eq!(refused.0, status, "{method} {path} {body}");
        assert!(refused.1.contains(expected), "{method} {path} {body}: {}", refused.1);
    }
}

#[tokio::test]
async fn pages_of_other_sites_and_endless_bodies_are_refused() {
    let (_simulator, control) = controlled().await;
    let rebound = "GET /truth HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(control.raw(rebound).await.0, 403);
    let addr = control.addr;
    let page = format!(
        "DELETE /faults HTTP/1.1\r\nHost: {addr}\r\nOrigin: https://evil.example\r\n\
         Connection: close\r\n\r\n"
    );
    assert_eq!(control.raw(&page).await.0, 403);
    let long = format!(
        "POST /faults HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\
         Content-Length: 99999999\r\n\r\n"
    );
    assert_eq!(control.raw(&long).await.0, 413);
}

#[tokio::test]
async fn only_this_machine_can_be_listened_on() {
    for (text, exposed) in [("0.0.0.0:0", true), ("[::]:0", true), ("example.com:80", false)] {
        let options = Options { control: Some(text.to_owned()), ..Options::loopback(1) };
        let error = Simulator::start(options).await.unwrap_err();
        let SimError::Control(error) = error else { panic!("{error:?}") };
        assert_eq!(matches!(error, ControlError::Exposed(_)), exposed, "{text}: {error}");
    }
    let (_simulator, control) = controlled().await;
    let taken = Options { control: Some(control.addr.to_string()), ..Options::loopback(1) };
    assert!(Simulator::start(taken).await.is_err());
    assert!(start().await.control_addr().is_none(), "only when asked for");
}
