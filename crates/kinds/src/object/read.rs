//! Reading objects: one list per type and namespace, single looks at the rest, and a dry run of what is to change.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use hactl_core::diff::Path;
use hactl_core::observed::{Foreign, Observed};
use hactl_core::value::Value;
use hactl_core::{Address, Diagnostic, DigestKey, Sensitive};
use hactl_engine::{ReadRequest, Reading, Stray};
use hactl_kube::{Cluster, ClusterError, Object, ServedKind};

use crate::object::adopt::refine;
use crate::object::dry_run::{Trial, try_out, verdict};
use crate::object::live::is_same;
use crate::object::look::{View, all, look};
use crate::object::observe::{Found, Sought, foreign, observe, occupied};
use crate::object::reference::{Reference, Spot, alternatives, not_served};
use crate::object::remnants::first;
use crate::object::sent::{Marks, object};
use crate::object::settings::Settings;
use crate::object::told::{ON_CONFLICT, Teller};
use crate::object::{ADDRESS, LINEAGE, STACK, manager};

/// What stands for the id of a creation that is only tried.
const TRIED: &str = "new";

/// Looks at objects.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn read(
    cluster: &dyn Cluster,
    lineage: &str,
    requests: &[&ReadRequest<'_>],
    managers: &BTreeMap<String, String>,
    key: Option<&DigestKey>,
) -> Result<Reading, ClusterError> {
    if requests.is_empty() {
        return Ok(Reading::default());
    }
    let served = cluster.served(&groups(requests)).await?;
    let sought: Vec<Sought<'_>> = requests.iter().map(|request| Sought::new(request, &served)).collect();
    let known = sought.iter().flat_map(|sought| &sought.known);
    let lists = known.map(|(spot, _)| (spot.kind.clone(), spot.namespace.clone())).collect();
    let spots = sought.iter().flat_map(Sought::spots).cloned().collect();
    let view = look(cluster, &format!("{LINEAGE}={lineage}"), lists, &spots).await?;
    let occupied = occupied(&sought, &view, lineage);
    let found: Vec<Found<'_>> = sought.iter().map(|sought| observe(sought, &view, &occupied, lineage, key)).collect();
    let mut reading = Reading { strays: strays(&view, &spots, lineage), ..Reading::default() };
    refuse_unserved(cluster, &sought, &served, &mut reading).await?;
    refuse_hidden(&sought, &view, &mut reading);
    refuse_homeless(&sought, &mut reading);
    refuse_taken(&sought, &found, &view, &occupied, lineage, &mut reading);
    reading.warnings.extend(hidden_from_state(&sought, &view));
    reading.warnings.extend(sought.iter().filter_map(without_namespace));
    let to_come = namespaces_to_come(&sought, &view);
    let mut trials = trials(&sought, &found, &to_come, lineage, key);
    trials.retain(|trial| view.hidden(trial.spot).is_none());
    let answers = trials.into_iter().map(|trial| {
        async move {
            let answer = try_out(cluster, &trial).await;
            (trial, answer)
        }
        .boxed()
    });
    let mut fixed = BTreeMap::new();
    let mut tried = BTreeMap::new();
    for (trial, answer) in all(answers.collect()).await {
        if let Ok(made) = &answer {
            tried.insert(trial.index, (trial.manager.clone(), made.clone()));
        }
        let verdict = verdict(&trial, answer, managers, &to_come, ON_CONFLICT, key)?;
        reading.warnings.extend(verdict.warning);
        fixed.insert(trial.index, verdict.fixed);
        if let Some(refusal) = verdict.refusal {
            reading.refusals.insert(trial.request.address.clone(), refusal);
        }
    }
    for (index, (sought, found)) in sought.iter().zip(&found).enumerate() {
        // What changes only because a value is made anew was not tried.
        if let (Some(_), Some(live)) = (sought.request.wanted, found.live) {
            fixed.entry(index).or_insert_with(|| never_in_place(live));
        }
    }
    let with_fixed = |(index, found): (usize, Found<'_>)| {
        let mut observed = found.observed;
        let present = match &mut observed {
            Observed::Present(present) => Some(present),
            Observed::Foreign(foreign) => foreign.found.as_mut(),
            Observed::Absent | Observed::Unreachable(_) => None,
        };
        let Some(present) = present else { return observed };
        present.fixed.extend(fixed.remove(&index).unwrap_or_default());
        if let (None, Some(live), Some(wanted), Some((own, made))) =
            (found.applied, found.live, requests[index].wanted, tried.get(&index))
        {
            refine(present, wanted, live, made, own, key);
        }
        observed
    };
    reading.observed = found.into_iter().enumerate().map(with_fixed).collect();
    Ok(reading)
}

/// The paths of an object that no server changes in place: the template of a Job, and what an immutable ConfigMap or Secret
/// holds.
fn never_in_place(object: &Object) -> Vec<Path> {
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    let is_immutable = object.at(&["immutable"]).is_some_and(|immutable| immutable == true);
    match object.kind() {
        "Job" if object.api_version().starts_with("batch/") => vec![path(&["spec", "template"])],
        "ConfigMap" | "Secret" if is_immutable => vec![path(&["data"]), path(&["binaryData"])],
        _ => Vec::new(),
    }
}

/// The resources of this stack by the managers that stand for them.
pub(crate) fn managers(requests: &[ReadRequest<'_>], lineage: &str) -> BTreeMap<String, String> {
    let all = requests.iter().flat_map(|request| request.candidates.iter().map(move |state| (request.address, state)));
    all.map(|(address, state)| (manager(lineage, &state.generation), address.to_string())).collect()
}

fn groups(requests: &[&ReadRequest<'_>]) -> BTreeSet<String> {
    let specs = requests
        .iter()
        .flat_map(|request| request.candidates.iter().map(|candidate| &*candidate.spec).chain(request.wanted));
    specs.filter_map(|spec| Some(Reference::of(spec)?.group.to_owned())).collect()
}

/// What is labelled as ours at spots that neither state nor config know.
fn strays(view: &View, known: &BTreeSet<Spot>, lineage: &str) -> Vec<Stray> {
    let strays = view.0.keys().filter(|spot| !known.contains(*spot)).filter_map(|spot| {
        let object = view.object(spot)?;
        // Controllers hand labels on to what they make.
        let is_made_for_another = object.at(&["metadata", "ownerReferences"]).is_some();
        let address = object.annotation(ADDRESS).filter(|_| !is_made_for_another)?;
        (object.label(LINEAGE) == Some(lineage)).then_some((spot, address))
    });
    let stray = |(spot, address): (&Spot, &str)| Stray {
        address: Address::parse(address).ok(),
        recorded: false,
        warning: Diagnostic::warning(format!("{spot} is labelled {address} of this stack, but is not in its state"))
            .about(address)
            .help("it may be left from a lost state; delete it with kubectl if nothing needs it"),
    };
    strays.map(stray).collect()
}

/// Refuses what is wanted of types that the server does not serve, and that nothing in the config defines.
async fn refuse_unserved(
    cluster: &dyn Cluster,
    sought: &[Sought<'_>],
    served: &[ServedKind],
    reading: &mut Reading,
) -> Result<(), ClusterError> {
    let defined: BTreeSet<(&str, &str)> = sought.iter().filter_map(|sought| defines(sought.request.wanted?)).collect();
    let unserved: Vec<(&Sought<'_>, Reference<'_>)> = sought
        .iter()
        .filter(|sought| sought.wanted.is_none())
        .filter_map(|sought| Some((sought, Reference::of(sought.request.wanted?)?)))
        .filter(|(_, reference)| !defined.contains(&(reference.group, reference.kind)))
        .collect();
    if unserved.is_empty() {
        return Ok(());
    }
    let groups = unserved.iter().map(|(_, reference)| reference.group.to_owned()).collect();
    let mut known = alternatives(cluster, &groups).await?;
    known.extend(served.iter().cloned());
    for (sought, reference) in unserved {
        reading.refusals.insert(sought.request.address.clone(), not_served(&reference, &known));
    }
    Ok(())
}

/// Refuses what names no namespace and is of a type that needs one, which only the server told.
fn refuse_homeless(sought: &[Sought<'_>], reading: &mut Reading) {
    for sought in sought {
        let named = sought.request.wanted.and_then(Reference::of).and_then(|reference| reference.namespace);
        let Some(wanted) = sought.wanted.as_ref().filter(|wanted| wanted.kind.namespaced && named.is_none()) else {
            continue;
        };
        let refusal = Diagnostic::error(format!(
            "{} {} names no namespace, and the type needs one",
            wanted.kind.kind, wanted.name
        ))
        .help("write `metadata.namespace`; of types that this config does not define, only the server knows that");
        reading.refusals.insert(sought.request.address.clone(), refusal);
    }
}

/// The group and kind that a CustomResourceDefinition brings.
fn defines(spec: &Value) -> Option<(&str, &str)> {
    if spec.get("kind")?.as_str()? != "CustomResourceDefinition" {
        return None;
    }
    let definition = spec.get("spec")?;
    Some((definition.get("group")?.as_str()?, definition.get("names")?.get("kind")?.as_str()?))
}

/// Refuses what is wanted where nobody may look.
fn refuse_hidden(sought: &[Sought<'_>], view: &View, reading: &mut Reading) {
    for sought in sought {
        let Some(wanted) = &sought.wanted else { continue };
        if let Some(error) = view.hidden(wanted) {
            let teller =
                Teller { what: wanted, managers: &BTreeMap::new(), hidden: BTreeSet::new(), on_conflict: ON_CONFLICT };
            reading.refusals.insert(sought.request.address.clone(), teller.tell(error).refusal());
        }
    }
}

/// Refuses a move to where somebody else's object is. Once the old one is deleted it would be too late to notice.
fn refuse_taken(
    sought: &[Sought<'_>],
    found: &[Found<'_>],
    view: &View,
    occupied: &BTreeMap<Spot, &str>,
    lineage: &str,
    reading: &mut Reading,
) {
    for (sought, found) in sought.iter().zip(found) {
        let moves = |wanted: &&Spot| sought.known.iter().all(|(spot, _)| spot != *wanted);
        let Some(wanted) = sought.wanted.as_ref().filter(moves) else { continue };
        let may = sought.request.adopt || found.applied.is_none() || occupied.contains_key(wanted);
        if let Some(object) = view.object(wanted).filter(|_| !may) {
            let what = foreign(wanted, object, lineage);
            let refusal = Diagnostic::error(format!("{what} is there already and not managed by this stack"))
                .help("choose another name, or remove what is there if nothing needs it; `adopt: true` takes it over");
            reading.refusals.insert(sought.request.address.clone(), refusal);
        }
    }
}

/// A warning for what state holds and nobody may look at: it is left out of the plan.
fn hidden_from_state(sought: &[Sought<'_>], view: &View) -> Option<Diagnostic> {
    let known = sought.iter().flat_map(|sought| &sought.known);
    let hidden: BTreeMap<&Spot, &ClusterError> =
        known.filter_map(|(spot, _)| Some((spot, view.hidden(spot)?))).collect();
    let (first, error) = hidden.first_key_value()?;
    let others = match hidden.len() - 1 {
        0 => String::new(),
        1 => " and another object of this stack".to_owned(),
        more => format!(" and {more} other objects of this stack"),
    };
    let warning = Diagnostic::warning(format!("{first}{others} cannot be read: left out of the plan"));
    Some(warning.detail(error.to_string()).help("give the user of the kubeconfig the right to read what it applies"))
}

/// A warning for a namespace on what is in none. For types that come with Kubernetes the config tells that already.
fn without_namespace(sought: &Sought<'_>) -> Option<Diagnostic> {
    let wanted = sought.wanted.as_ref().filter(|wanted| !wanted.kind.namespaced)?;
    let namespace = Reference::of(sought.request.wanted?)?.namespace?;
    let warning = Diagnostic::warning(format!("{wanted} is in no namespace: `namespace: {namespace}` is left out"));
    Some(warning.about(sought.request.address.as_str()).help("take `metadata.namespace` out"))
}

/// The namespaces that the config wants and that are not there, or not for long.
fn namespaces_to_come<'a>(sought: &'a [Sought<'_>], view: &View) -> BTreeSet<&'a str> {
    let wanted = sought.iter().filter_map(|sought| sought.wanted.as_ref());
    let namespaces = wanted.filter(|spot| spot.kind.group.is_empty() && spot.kind.kind == "Namespace");
    let to_come = namespaces.filter(|spot| view.object(spot).is_none_or(Object::is_being_deleted));
    to_come.map(|spot| spot.name.as_str()).collect()
}

/// What is to be tried: what would be made in a place that is there, and what would be changed.
fn trials<'a>(
    sought: &'a [Sought<'a>],
    found: &'a [Found<'a>],
    to_come: &BTreeSet<&str>,
    lineage: &str,
    key: Option<&DigestKey>,
) -> Vec<Trial<'a>> {
    let each = sought.iter().zip(found).enumerate();
    each.filter_map(|(index, (sought, found))| {
        let request = sought.request;
        let spot = sought.wanted.as_ref()?;
        let plain = request.revealed.as_ref().map(Sensitive::expose)?;
        let is_to_come = spot.namespace.as_deref().is_some_and(|namespace| to_come.contains(namespace));
        if is_to_come || found.is_taken || found.live.is_some_and(Object::is_being_deleted) {
            return None;
        }
        let (now, generation) = match &found.observed {
            Observed::Present(present) if !present.fixed.is_empty() || is_same(&present.spec, plain, key) => {
                return None;
            }
            Observed::Present(present) => (Some(&*present.spec), present.generation.as_str()),
            Observed::Absent => (None, TRIED),
            Observed::Foreign(Foreign { own, found, .. }) if request.adopt || *own => match found {
                Some(found) => (Some(&*found.spec), found.generation.as_str()),
                None => (None, TRIED),
            },
            Observed::Foreign(_) | Observed::Unreachable(_) => return None,
        };
        let marks =
            Marks { lineage, stack: found.live.and_then(|live| live.annotation(STACK)), address: request.address };
        let object = object(plain, spot, marks, found.live.map(Object::uid));
        // What takes two steps cannot be tried in one.
        let steps =
            found.applied.zip(found.live).and_then(|(applied, live)| first(&applied.spec, plain, live, &object));
        if steps.is_some() {
            return None;
        }
        let is_adopted = matches!(found.observed, Observed::Foreign(_));
        let force = Settings::of(plain).force_conflicts || is_adopted || (request.adopt && now.is_none());
        Some(Trial {
            index,
            request,
            spot,
            object,
            plain,
            live: found.live,
            applied: found.applied.map(|applied| &*applied.spec),
            now,
            manager: manager(lineage, generation),
            force,
        })
    })
    .collect()
}
