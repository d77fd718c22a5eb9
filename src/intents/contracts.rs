//! Asking the gateway about contracts: what a name stands for, what it is, what it costs.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::{Context, IntentError};
use crate::domain::{Contract, ContractId, ContractQuery, Instrument, Quote};
use crate::gateway::GatewayError;
use crate::portfolio::Resolution;

/// Requests about contracts that are under way at once: keeps a large book from filling the
/// gateway's message allowance in one burst.
const CONCURRENT_REQUESTS: usize = 20;

/// What each name stands for. Fails if the gateway can't say; that it knows none is an answer.
pub(super) async fn resolve(
    cx: &Context<'_>,
    queries: impl Iterator<Item = ContractQuery>,
) -> Result<BTreeMap<ContractQuery, Resolution>, IntentError> {
    let queries: BTreeSet<ContractQuery> = queries.collect();
    let mut asked = Vec::with_capacity(queries.len());
    for query in queries {
        let gateway = cx.gateway().clone();
        asked.push(async move { (gateway.contracts(&query).await.known(), query) });
    }
    let answers: Vec<_> = stream::iter(asked).buffered(CONCURRENT_REQUESTS).collect().await;
    let mut resolutions = BTreeMap::new();
    for (answer, query) in answers {
        let mut found = answer?;
        let resolution = match found.len() {
            0 => Resolution::Unknown,
            1 => {
                let contract = found.remove(0);
                cx.services().contracts.put(&contract, cx.now());
                Resolution::Found(contract)
            }
            matches => Resolution::Ambiguous { matches },
        };
        resolutions.insert(query, resolution);
    }
    Ok(resolutions)
}

/// The description of every contract that is needed.
pub(super) async fn describe(
    cx: &Context<'_>,
    needed: &BTreeSet<ContractId>,
    instruments: &BTreeMap<ContractId, Instrument>,
) -> Result<BTreeMap<ContractId, Contract>, IntentError> {
    let mut contracts = BTreeMap::new();
    let mut unknown = Vec::new();
    for id in needed {
        match cx.services().contracts.get(*id, cx.now()) {
            Some(contract) => {
                contracts.insert(*id, contract);
            }
            None => unknown.push(query_for(*id, instruments.get(id))),
        }
    }
    for resolution in resolve(cx, unknown.into_iter()).await?.into_values() {
        // A contract that IB does not know any more gets no description, and the plan says so.
        if let Resolution::Found(contract) = resolution {
            contracts.insert(contract.instrument.id, contract);
        }
    }
    Ok(contracts)
}

/// By number, with the kind and currency that decide where to ask.
fn query_for(id: ContractId, instrument: Option<&Instrument>) -> ContractQuery {
    let query = ContractQuery::by_id(id);
    match instrument {
        Some(known) => ContractQuery {
            sec_type: known.sec_type.clone(),
            currency: known.currency.clone(),
            ..query
        },
        None => query,
    }
}

/// The best prices of each contract. One without a quote has none: what follows is for the plan
/// and the rules. That the gateway is away is another matter.
pub(super) async fn quotes(
    cx: &mut Context<'_>,
    contracts: &BTreeMap<ContractId, Contract>,
) -> Result<BTreeMap<ContractId, Quote>, IntentError> {
    let mut asked = Vec::with_capacity(contracts.len());
    for (id, contract) in contracts {
        let (id, contract, gateway) = (*id, contract.clone(), cx.gateway().clone());
        asked.push(async move { (id, gateway.quote(&contract).await) });
    }
    let answers: Vec<_> = stream::iter(asked).buffered(CONCURRENT_REQUESTS).collect().await;
    let mut quotes = BTreeMap::new();
    let mut missing = BTreeMap::new();
    for (id, answer) in answers {
        match answer {
            Ok(quote) => {
                quotes.insert(id, quote);
            }
            Err(
                error @ (GatewayError::Refused { .. }
                | GatewayError::Timeout { .. }
                | GatewayError::Unreadable { .. }),
            ) => {
                missing.insert(id, error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !missing.is_empty() {
        cx.note("quotes_missing", &missing);
    }
    Ok(quotes)
}
