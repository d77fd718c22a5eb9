//! What all runs that trade have in common: recovered, gathered, planned, vetted, frozen, executed,
//! told.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inputs::{Gathered, Scope, gather};
use super::{Context, IntentError};
use crate::config::TradingConfig;
use crate::domain::StrategyId;
use crate::orders::{End, Engine, Ledger, OrderSpec, State, Tracked};
use crate::portfolio::{Crossing, KeptReason, Plan, PlanInputs};
use crate::risk::vet;
use crate::runs::Outcome;

/// How long a plan may wait to be continued, in minutes: longer than the lease that a crashed
/// delivery leaves behind, and short enough that its prices still mean something.
const PLAN_FRESH_MINUTES: i64 = 30;

/// What a run decided, as its record keeps it: written once, before the first send.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Frozen {
    /// The orders.
    orders: Vec<OrderSpec>,
    /// What strategies give each other.
    crossings: Vec<Crossing>,
    /// What a person should know of what was left alone.
    attention: Vec<String>,
}

/// What a run that trades is for.
pub(super) trait Purpose: Sync {
    /// Prepares the ground for a plan, from the own orders that are open: what has to be done
    /// before positions may be looked at.
    fn prepare_ground(
        &self,
        cx: &mut Context<'_>,
        engine: &Engine,
        open: Vec<Tracked>,
    ) -> impl Future<Output = Result<Ground, IntentError>> + Send;

    /// The ground as it would be: for a dry run, which changes nothing.
    fn imagine_ground(&self, open: Vec<Tracked>) -> Ground;

    /// What the run was asked to be about and nobody knows: a slip of the pen must not read as
    /// "nothing to do".
    fn unknown(&self, inputs: &PlanInputs) -> Vec<String>;

    /// The plan that follows.
    fn plan(&self, inputs: &PlanInputs) -> Plan;
}

/// Strategies of a selection that have neither configuration nor book nor holdings.
pub(super) fn unknown_strategies(
    selection: Option<&BTreeSet<StrategyId>>,
    inputs: &PlanInputs,
) -> Vec<String> {
    let Some(selection) = selection else { return Vec::new() };
    if selection.is_empty() {
        return vec!["strategies is empty: leave it out to mean all".to_owned()];
    }
    selection
        .iter()
        .filter(|one| !inputs.books.contains_key(*one) && !inputs.holdings.contains_key(*one))
        .map(|one| format!("there is no strategy {one}"))
        .collect()
}

fn refuse_unknown(purpose: &impl Purpose, inputs: &PlanInputs) -> Result<(), IntentError> {
    let unknown = purpose.unknown(inputs);
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(IntentError::refused("the selection names what does not exist", unknown)),
    }
}

/// What a plan starts from.
pub(super) struct Ground {
    /// Own orders that are still open.
    pub open: Vec<Tracked>,
    /// What the run is about.
    pub scope: Scope,
}

/// Trades for `purpose`, under the trading lease; continues what an earlier attempt decided.
pub(super) async fn trade(
    cx: &mut Context<'_>,
    purpose: &impl Purpose,
) -> Result<Outcome, IntentError> {
    match cx.run().plan::<Frozen>()? {
        Some(frozen) => {
            // What was decided is settled, whatever has become of the configuration since.
            cx.prepare_if_any().await?;
            let engine = cx.engine().await?;
            let result = resume(cx, &engine, frozen).await;
            engine.release().await?;
            result
        }
        None => {
            let config = cx.prepare().await?;
            let engine = cx.engine().await?;
            let result = decide_and_act(cx, &engine, purpose, config).await;
            engine.release().await?;
            result
        }
    }
}

/// Plans and vets for `purpose` from the orders as they are on record, and sends nothing.
pub(super) async fn rehearse(
    cx: &mut Context<'_>,
    purpose: &impl Purpose,
) -> Result<Outcome, IntentError> {
    let config = cx.prepare().await?;
    let services = cx.services();
    let ledger = Ledger::new(services.store.clone(), services.clock.clone(), 0);
    let Ground { open, scope } = purpose.imagine_ground(ledger.open_orders().await?);
    let gathered = gather(cx, config, &open, scope).await?;
    refuse_unknown(purpose, &gathered.inputs)?;
    let plan = purpose.plan(&gathered.inputs);
    let vetted = vet(&gathered.inputs, &plan, gathered.switch);
    cx.note("plan", &plan);
    cx.note("verdicts", &vetted.verdicts);
    let breaches: Vec<String> = vetted.breaches().map(ToString::to_string).collect();
    let mut summary = format!("dry run: {} orders would be sent", vetted.approved.len());
    if !breaches.is_empty() {
        let _infallible = write!(summary, "; risk has {} objections", breaches.len());
    }
    let mut attention = left_alone(&plan);
    attention.extend(breaches);
    Ok(Outcome::done(summary).with_attention(attention).with_details(json!({ "plan": plan })))
}

async fn decide_and_act(
    cx: &mut Context<'_>,
    engine: &Engine,
    purpose: &impl Purpose,
    config: TradingConfig,
) -> Result<Outcome, IntentError> {
    let open = engine.recover(cx.deadline()).await?;
    let Ground { open, scope } = purpose.prepare_ground(cx, engine, open).await?;
    let gathered = gather(cx, config, &open, scope).await?;
    refuse_unknown(purpose, &gathered.inputs)?;
    let frozen = freeze(cx, &gathered, &purpose.plan(&gathered.inputs))?;
    cx.run().keep_plan(&frozen).await?;
    carry_out(cx, engine, frozen).await
}

/// Vets the plan and freezes what risk approved of it.
fn freeze(cx: &mut Context<'_>, gathered: &Gathered, plan: &Plan) -> Result<Frozen, IntentError> {
    let vetted = vet(&gathered.inputs, plan, gathered.switch);
    cx.note("plan", plan);
    cx.note("verdicts", &vetted.verdicts);
    let breaches: Vec<String> = vetted.breaches().map(ToString::to_string).collect();
    if !breaches.is_empty() && vetted.approved.is_empty() && vetted.crossings.is_empty() {
        return Err(IntentError::refused("risk refuses the plan; nothing was sent", breaches));
    }
    let mut attention = left_alone(plan);
    attention.extend(breaches);
    let run_key = cx.run().key().clone();
    let orders = vetted.approved.iter().map(|line| OrderSpec::new(run_key.clone(), line)).collect();
    let crossings = vetted.crossings.iter().map(|one| one.crossing().clone()).collect();
    Ok(Frozen { orders, crossings, attention })
}

/// Continues what an earlier attempt decided: what was sent is settled in any case; what was not
/// is sent only if nobody has traded since and the plan is not old.
async fn resume(
    cx: &mut Context<'_>,
    engine: &Engine,
    frozen: Frozen,
) -> Result<Outcome, IntentError> {
    let mut open = engine.recover(cx.deadline()).await?;
    let now = cx.now();
    let planned_at = cx.run().record().planned_at;
    let age = planned_at.map_or(i64::MAX, |at| now.duration_since(at).as_mins());
    let hindrance = match engine.uninterrupted() {
        false => Some("another run has traded since this plan was made".to_owned()),
        true if age > PLAN_FRESH_MINUTES => Some(format!("this plan is {age} minutes old")),
        true => None,
    };
    let Some(reason) = hindrance else { return carry_out(cx, engine, frozen).await };
    open.retain(|order| order.spec().run_key == *cx.run().key());
    engine.withdraw(&mut open, &reason).await?;
    let orders = engine.orders().await?;
    let mut attention = frozen.attention;
    let unsent = frozen.orders.len().saturating_sub(
        orders.iter().filter(|order| !order.progress().order_ids().is_empty()).count(),
    );
    if unsent > 0 {
        attention.push(format!("{unsent} planned orders were not sent: {reason}"));
    }
    Ok(outcome(cx, &orders, attention))
}

async fn carry_out(
    cx: &mut Context<'_>,
    engine: &Engine,
    frozen: Frozen,
) -> Result<Outcome, IntentError> {
    for crossing in &frozen.crossings {
        engine.books().cross(crossing).await?;
    }
    let orders = engine.execute(frozen.orders, cx.deadline()).await?;
    Ok(outcome(cx, &orders, frozen.attention))
}

/// How the run ends: failed while an order is in doubt, done otherwise, with what a person has to
/// look at.
fn outcome(cx: &mut Context<'_>, orders: &[Tracked], mut attention: Vec<String>) -> Outcome {
    let told: Vec<Value> = orders.iter().map(tell).collect();
    cx.note("orders", &told);
    let count =
        |state: fn(State) -> bool| orders.iter().filter(|order| state(order.state())).count();
    let in_doubt = count(|state| state == State::InDoubt);
    for order in orders {
        let line = &order.spec().line;
        match order.state() {
            State::Ended(End::Filled) => {}
            State::Parked => attention.push(format!(
                "order {} ({line}) is parked: {}",
                line.order_ref,
                order.progress().parked_because().unwrap_or("no reason on record"),
            )),
            state => attention.push(format!(
                "order {} ({line}) is {}, {} filled",
                line.order_ref,
                state.as_str(),
                order.progress().filled(),
            )),
        }
    }
    let filled = count(|state| state == State::Ended(End::Filled));
    let working = count(|state| state == State::Working);
    let mut summary = match orders.len() {
        0 => "nothing to trade".to_owned(),
        all => format!("{filled} of {all} orders filled"),
    };
    if working > 0 {
        let _infallible = write!(summary, ", {working} working (reconcile follows them)");
    }
    let outcome = match in_doubt {
        0 => Outcome::done(summary),
        _ => Outcome::failed(format!("{summary}, {in_doubt} in doubt")),
    };
    outcome.with_attention(attention).with_details(json!({ "orders": told }))
}

/// One order, for the sender.
pub(super) fn tell(order: &Tracked) -> Value {
    let line = &order.spec().line;
    let progress = order.progress();
    let commission: Option<rust_decimal::Decimal> = progress
        .fills()
        .map(|fill| progress.commission(&fill.execution_id).map(|paid| paid.amount))
        .sum();
    json!({
        "order_ref": line.order_ref,
        "contract": line.instrument,
        "side": line.side,
        "quantity": line.quantity,
        "filled": progress.filled(),
        "average_price": progress.average_price(),
        "commission": commission,
        "status": order.state().as_str(),
    })
}

/// What the plan left alone, as far as a person did not ask for it.
fn left_alone(plan: &Plan) -> Vec<String> {
    let kept = plan
        .kept
        .iter()
        .filter(|kept| kept.reason != KeptReason::NotSelected)
        .map(|kept| format!("strategy {} keeps its holdings: {}", kept.strategy, kept.reason));
    let skipped = plan
        .skipped
        .iter()
        .map(|skipped| format!("contract {} is left alone: {}", skipped.contract, skipped.reason));
    kept.chain(skipped).collect()
}
