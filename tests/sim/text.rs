//! The text generation of the protocol, field by field over a raw socket, beside modern clients.

use super::robustness::Raw;
use super::*;

/// A connection that speaks text. Fields are shown with `|` for the NUL that ends each.
struct TextClient {
    raw: Raw,
}

impl TextClient {
    async fn hello(simulator: &Simulator, versions: &str) -> Self {
        let mut raw = Raw::connect(simulator).await;
        raw.hello(versions).await.unwrap();
        Self { raw }
    }

    /// A session at `version` that has read all that the start tells.
    async fn started(simulator: &Simulator, version: i32, client_id: i32) -> Self {
        let mut client = Self::hello(simulator, &format!("v157..{version}")).await;
        client.send(&format!("71|2|{client_id}||")).await;
        client.until("4|2|-1|2158|").await;
        client
    }

    async fn send(&mut self, fields: &str) {
        let body = fields.replace('|', "\0");
        let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(body.as_bytes());
        self.raw.send(&frame).await;
    }

    async fn frame(&mut self) -> Option<String> {
        let body = self.raw.frame().await?;
        Some(String::from_utf8(body).unwrap().replace('\0', "|"))
    }

    /// The frames up to and with the first that begins like this.
    async fn until(&mut self, beginning: &str) -> Vec<String> {
        let mut frames = Vec::new();
        loop {
            frames.push(self.frame().await.expect("the simulator closed"));
            if frames.last().is_some_and(|frame| frame.starts_with(beginning)) {
                return frames;
            }
        }
    }

    /// The frames that a request is answered with, by the time asked for behind it.
    async fn ask(&mut self, fields: &str) -> Vec<String> {
        self.send(fields).await;
        self.send("49|1|").await;
        let mut frames = self.until("49|").await;
        frames.pop();
        frames
    }
}

/// A plain order for SPY at version 178.
fn order(
    order_id: i32,
    side: &str,
    quantity: &str,
    kind: &str,
    price: &str,
    what_if: u8,
) -> String {
    format!(
        "3|{order_id}|756733|SPY|STK||0.0|||SMART||USD|||||{side}|{quantity}|{kind}|{price}||DAY||||0|\
         Zürich-1|1|0|0|0|0|0|0|0||0.0|||||||0||-1|0|||0|||0|0||0||||||0|||||0|||||||||||0|||0|0|||\
         {what_if}||0|0|0|0|||||||0|||||||||0|0|0|0|||0|||"
    )
}

fn ids(frames: &[String]) -> Vec<&str> {
    frames.iter().map(|frame| frame.split('|').next().unwrap()).collect()
}

/// The field at `place`, counted from the message id at 0.
fn field(frame: &str, place: usize) -> &str {
    frame.split('|').nth(place).unwrap()
}

#[tokio::test]
async fn a_text_client_is_told_its_accounts_its_next_id_and_that_all_is_well() {
    let simulator = start().await;
    let mut client = TextClient::hello(&simulator, "v157..178").await;
    client.send("71|2|7||").await;
    let told = client.until("4|2|-1|2158|").await;
    assert_eq!(ids(&told), ["15", "9", "4", "4", "4"]);
    assert_eq!(told[..2], ["15|1|DU1234567|", "9|1|1|"]);
}

#[tokio::test]
async fn a_client_id_in_use_is_refused_across_the_generations() {
    let simulator = start().await;
    let modern = connect(&simulator, CLIENT).await;
    let mut second = TextClient::hello(&simulator, "v157..176").await;
    second.send(&format!("71|2|{CLIENT}||")).await;
    let refusal = second.frame().await.unwrap();
    assert!(refusal.starts_with("4|2|-1|326|Unable to connect as the client id is"), "{refusal}");
    assert_eq!(second.frame().await, None, "closed in order behind the refusal");
    settle(&modern).await;
}

#[tokio::test]
async fn an_order_in_text_fills_and_both_generations_see_it() {
    let simulator = start().await;
    pin_spy(&simulator);
    let modern = connect(&simulator, CLIENT).await;
    let mut text = TextClient::started(&simulator, 178, 7).await;
    let frames = text.ask(&order(1, "BUY", "10.0", "MKT", "", 0)).await;
    assert_eq!(ids(&frames), ["5", "3", "11", "5", "3", "5", "59"]);
    let (filled, execution) = (&frames[4], &frames[2]);
    assert!(filled.starts_with("3|1|Filled|10|0|560.01|"), "{filled}");
    assert_eq!(field(execution, 1), "-1", "live");
    assert_eq!(field(execution, 6), "", "no expiry");
    assert!(execution.contains("|BOT|10|560.01|"), "{execution}");
    assert!(execution.contains("|Z\\u00fcrich-1|"), "{execution}");
    let positions = text.ask("61|1|").await;
    assert_eq!(ids(&positions), ["61", "62"]);
    assert!(positions[0].contains("|SPY|10|560."), "{}", positions[0]);

    let seen = super::positions(&modern).await;
    assert_eq!(seen.len(), 1);
    assert!((seen[0].position - 10.0).abs() < f64::EPSILON);
    let truth = simulator.truth();
    let order = truth.orders.values().next().unwrap();
    assert_eq!((order.client_id, order.order_id), (7, 1));
    assert_eq!(order.order_ref, "Zürich-1");
}

#[tokio::test]
async fn a_resting_order_is_listed_modified_and_cancelled_in_text() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut text = TextClient::started(&simulator, 178, 7).await;
    let placed = text.ask(&order(1, "BUY", "5", "LMT", "500.0", 0)).await;
    assert_eq!(ids(&placed), ["5", "3"]);
    let perm_id = field(&placed[1], 6).to_owned();
    assert!(perm_id.parse::<i32>().unwrap() > 0, "a 32-bit number in this generation");
    let modified = text.ask(&order(1, "BUY", "5", "LMT", "501.0", 0)).await;
    assert_eq!(field(&modified[0], 16), "501.0");
    assert_eq!(field(&modified[1], 6), perm_id);
    let open = text.ask("16|1|").await;
    assert_eq!(ids(&open), ["5", "3", "53"]);
    let cancelled = text.ask("4|1|1||").await;
    assert_eq!(ids(&cancelled), ["3", "4"]);
    assert!(cancelled[1].starts_with("4|2|1|202|Order Canceled"), "{}", cancelled[1]);
    let completed = text.ask("99|0|").await;
    assert_eq!(ids(&completed), ["101", "102"]);
    assert!(completed[0].contains(&format!("|{perm_id}|")), "{}", completed[0]);
    let unknown = text.ask("4|1|77||").await;
    assert!(unknown[0].starts_with("4|2|77|10147|"), "{unknown:?}");
}

#[tokio::test]
async fn a_what_if_in_text_has_a_number_in_each_of_its_nine_margins() {
    let simulator = start().await;
    let mut text = TextClient::started(&simulator, 178, 7).await;
    let frames = text.ask(&order(1, "BUY", "5", "LMT", "500.0", 1)).await;
    assert_eq!(ids(&frames), ["5"]);
    let fields: Vec<_> = frames[0].split('|').collect();
    let status = fields.iter().position(|field| *field == "PreSubmitted").unwrap();
    for margin in &fields[status + 1..status + 10] {
        assert!(margin.parse::<f64>().is_ok_and(|margin| margin < f64::MAX), "{margin}");
    }
    assert_eq!(ids(&text.ask("16|1|").await), ["53"], "nothing was placed");
}

#[tokio::test]
async fn bars_in_text_are_one_message_and_need_no_end() {
    let simulator = start().await;
    let mut text = TextClient::started(&simulator, 178, 7).await;
    let spy = "756733|SPY|STK||0.0|||SMART||USD|||0";
    let frames = text.ask(&format!("20|4|{spy}||1 day|3 D|1|TRADES|1|0||")).await;
    assert_eq!(ids(&frames), ["17"]);
    let fields: Vec<_> = frames[0].split('|').collect();
    assert_eq!((fields[1], fields[4]), ("4", "3"));
    assert_eq!(fields.len(), 5 + 3 * 8 + 1, "three bars of eight fields");
    assert!(fields[2].ends_with(" US/Eastern") && fields[3].ends_with(" US/Eastern"));
    let head = text.ask(&format!("87|5|{spy}|1|TRADES|1|")).await;
    assert_eq!(ids(&head), ["88"]);
}

#[tokio::test]
async fn account_requests_in_text_end_with_their_markers_also_when_empty() {
    let simulator = start().await;
    let mut text = TextClient::started(&simulator, 157, 7).await;
    for (request, end) in [
        ("61|1|", "62|1|"),
        ("5|1|", "53|1|"),
        ("99|0|", "102|"),
        ("6|2|1|DU1234567|", "54|1|DU1234567|"),
        ("76|1|4|DU1234567||0|", "74|1|4|"),
        ("7|3|5|0|||||||", "55|1|5|"),
        ("62|1|6|All|NetLiquidation|", "64|1|6|"),
        ("74|1|8|DU1234567||", "72|1|8|"),
    ] {
        text.send(request).await;
        text.until(end).await;
    }
    let pnl = text.ask("92|9|DU1234567||").await;
    assert!(pnl.iter().any(|frame| frame.starts_with("94|9|")), "{pnl:?}");
}

#[tokio::test]
async fn layouts_follow_the_version_that_was_agreed_on() {
    let simulator = start().await;
    let details = "9|8|4|756733|SPY|STK||0.0|||SMART||USD|||0|||";
    for (version, fields) in [(157, 39), (163, 40), (164, 40)] {
        let mut text = TextClient::started(&simulator, version, version).await;
        let frames = text.ask(details).await;
        assert_eq!(ids(&frames), ["10", "52"], "{version}");
        let count = frames[0].matches('|').count();
        assert_eq!(count, fields, "{version}: {}", frames[0]);
    }
}

#[tokio::test]
async fn what_cannot_be_worked_is_answered_and_the_session_goes_on() {
    let simulator = start().await;
    let mut text = TextClient::started(&simulator, 178, 7).await;
    for (request, answer) in [
        // Not supported: under the request's id, or as a notice where there is none.
        ("78|5|SPY||STK|756733|", "4|2|5|321|"),
        ("10|5|6|756733|SPY|", "4|2|6|321|"),
        ("24|1|", "4|2|-1|0|"),
        ("998|1|2|", "4|2|-1|0|"),
        // A word where a number belongs.
        ("9|8|4|SPY|", "4|2|4|320|"),
        ("3|31|756733|SPY|STK||0.0|||SMART||USD|||||BUY|ten|", "4|2|31|320|"),
        // An order that breaks off has no price that could be its limit.
        ("3|32|756733|SPY|STK||0.0|||SMART||USD|||||BUY|1|LMT|", "4|2|32|"),
    ] {
        let frames = text.ask(request).await;
        assert_eq!(frames.len(), 1, "{request}: {frames:?}");
        assert!(frames[0].starts_with(answer), "{request}: {frames:?}");
    }
    assert!(simulator.truth().orders.is_empty());
}

#[tokio::test]
async fn nonsense_in_text_closes_its_own_connection_and_no_other() {
    let simulator = start().await;
    let mut bystander = TextClient::started(&simulator, 178, 7).await;
    for nonsense in ["spy|1|", "-3|1|", "|", ""] {
        let mut text = TextClient::started(&simulator, 178, 9).await;
        text.send(nonsense).await;
        text.raw.drained().await;
    }
    let mut early = TextClient::hello(&simulator, "v157..178").await;
    early.send("49|1|").await;
    early.raw.drained().await;
    assert!(bystander.ask("8|1|1|").await[0].starts_with("9|1|"));
}
