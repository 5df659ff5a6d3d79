//! The judge: floors, then the policy's first matching rule, then what a use or observe mode lifts, then places that
//! cannot be changed. One pass over findings and passages.
//! Must not know: how anything was found, how a refusal looks.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::civil::Date;

use super::decision::{Action, Cause, Decision, KeepReason, Reason, Spot, Way};
use super::floor::{self, Floor};
use super::policy::{Policy, RuleAction, Scene};
use super::who::{Destination, Observe, Person, Use};
use super::{Treatment, Verdict};
use crate::detect::{Class, Finding, Findings, Kind, Passage};
use crate::locate::{Disposition, LocatedText};

/// Something that could not be read (a code of `unpack`, and where).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// `content_coding`, `media_type`, `over_limit` … : a stable code, never text of the request.
    pub what: String,
    pub address: String,
}

/// All that a decision weighs.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Text number *n* is part number *n* of the document that was searched.
    pub texts: &'a [LocatedText],
    pub findings: &'a Findings,
    pub person: &'a Person,
    pub destination: &'a Destination,
    pub uses: &'a [Use],
    /// The use that the request names.
    pub declared_use: Option<&'a str>,
    pub observe: &'a [Observe],
    pub today: Date,
    /// Texts (by number) that are signed blocks which this scope got from the service.
    pub known_signed: &'a HashSet<usize>,
    pub obstacles: &'a [Obstacle],
}

/// What a network does with hosts that are no AI service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownHosts {
    Tunnel,
    Deny,
}

/// May a host that is no AI service be tunnelled unopened? Never from a network marked `ehr = true`.
#[must_use]
pub fn may_tunnel(unknown: UnknownHosts, ehr: bool) -> bool {
    unknown == UnknownHosts::Tunnel && !ehr
}

impl Policy {
    /// Decide on one request. Never fails: what is not understood blocks.
    #[must_use]
    pub fn decide(&self, input: &Input<'_>) -> Decision {
        let using = choose_use(self, input);
        let mut judge = Judge {
            policy: self,
            input,
            scene: Scene { person: input.person, destination: input.destination, using },
            observing: input.observe.iter().any(|observe| observe.covers(input.person, input.today)),
            reasons: BTreeMap::new(),
            policy_rules: BTreeSet::new(),
        };
        judge.request();
        for passage in &input.findings.passages {
            judge.passage(passage);
        }
        let mut actions: Vec<Action> = input.findings.findings.iter().map(|finding| judge.finding(finding)).collect();
        keep_only_without_identifiers(input.findings, &mut actions);
        judge.close(actions, using)
    }
}

/// The use that the request goes under: the declared one, else the first that names every class in it that would stop
/// it, else the first that holds.
fn choose_use<'a>(policy: &Policy, input: &Input<'a>) -> Option<&'a Use> {
    let holding = holding_uses(input);
    if input.declared_use.is_some() {
        return holding.first().copied();
    }
    let scene = Scene { person: input.person, destination: input.destination, using: None };
    let needed: BTreeSet<Class> = input
        .findings
        .passages
        .iter()
        .filter(|passage| policy.for_passage(scene, passage).is_none_or(|rule| stops(rule.action)))
        .map(|passage| passage.class)
        .collect();
    holding.iter().find(|using| needed.iter().all(|class| using.classes.contains(class))).or(holding.first()).copied()
}

/// Uses that hold for this person, service and day; only the declared one when one is declared.
fn holding_uses<'a>(input: &Input<'a>) -> Vec<&'a Use> {
    input
        .uses
        .iter()
        .filter(|using| using.holds_for(input.person, &input.destination.service, input.today))
        .filter(|using| input.declared_use.is_none_or(|id| id == using.id))
        .collect()
}

const fn stops(action: RuleAction) -> bool {
    matches!(action, RuleAction::Block | RuleAction::Hold)
}

/// What one reason is for: cause, what it led to, a detail, and the kind or class, so that places and rules of one kind
/// are never shown with another.
type Key = (Cause, u8, Option<String>, Option<Kind>, Option<Class>);

struct Judge<'a> {
    policy: &'a Policy,
    input: &'a Input<'a>,
    scene: Scene<'a>,
    observing: bool,
    reasons: BTreeMap<Key, Reason>,
    policy_rules: BTreeSet<String>,
}

impl Judge<'_> {
    /// What stops a request whatever is in it.
    fn request(&mut self) {
        if !self.input.destination.approved {
            let ways = match self.input.destination.approved_services.as_slice() {
                [] => vec![Way::AskContact],
                names => vec![Way::ApprovedService(names.to_vec()), Way::AskContact],
            };
            self.add(Cause::ServiceNotApproved, Verdict::Blocked, None, ways);
        }
        for obstacle in self.input.obstacles {
            let verdict = if self.observing { Verdict::Observed } else { Verdict::Blocked };
            let ways = vec![Way::SendAsText, Way::AskContact];
            let reason = self.add(Cause::Unreadable, verdict, Some(obstacle.what.clone()), ways);
            reason.at(|| Spot { address: obstacle.address.clone(), line: None });
        }
        if let Some(rule) = self.policy.for_request(self.scene)
            && let Some(verdict) = stopping_verdict(rule.action)
        {
            let id = rule.id.clone();
            let ways = if verdict == Verdict::Held { vec![Way::AwaitApproval] } else { vec![Way::AskContact] };
            self.policy_rules.insert(id.clone());
            self.add(Cause::Rule, verdict, None, ways).rules.insert(id);
        }
    }

    fn passage(&mut self, passage: &Passage) {
        let rule = self.policy.for_passage(self.scene, passage);
        let (action, liftable, id) = match rule {
            Some(rule) => (rule.action, rule.liftable, rule.id.clone()),
            None => (RuleAction::Block, true, "default.none".to_owned()),
        };
        self.policy_rules.insert(id.clone());
        let Some(mut verdict) = stopping_verdict(action) else { return };
        if liftable && self.scene.using.is_some_and(|using| using.classes.contains(&passage.class)) {
            return;
        }
        if self.observing {
            verdict = Verdict::Observed;
        }
        let ways = self.ways_for_class(passage.class, verdict, liftable);
        let texts = self.input.texts;
        let reason = self.add_for(Cause::Class, verdict, (None, Some(passage.class)), None, ways);
        reason.at(|| spot(texts, passage.part, passage.range.start));
        reason.rules.insert(id);
        reason.rules.extend(passage.signals.iter().map(|rule| rule.as_str().to_owned()));
    }

    fn ways_for_class(&self, class: Class, verdict: Verdict, liftable: bool) -> Vec<Way> {
        if verdict == Verdict::Held {
            return vec![Way::AwaitApproval];
        }
        if !liftable {
            return vec![Way::Remove, Way::AskContact];
        }
        let mut ways = Vec::new();
        let names_class = |using: &&Use| using.classes.contains(&class);
        let holding = self
            .input
            .uses
            .iter()
            .filter(|using| using.holds_for(self.input.person, &self.input.destination.service, self.input.today));
        let ids: Vec<String> = holding.filter(names_class).map(|using| using.id.clone()).collect();
        if !ids.is_empty() {
            ways.push(Way::ChooseUse(ids));
        } else if !self.input.person.named() {
            ways.push(Way::SignIn);
        } else {
            ways.push(Way::ApplyForUse);
        }
        ways.extend([Way::Remove, Way::AskContact]);
        ways
    }

    fn finding(&mut self, finding: &Finding) -> Action {
        let text = self.input.texts.get(finding.part);
        let floor = floor::of(finding);
        let wanted = self.wanted(finding, floor);
        let place = text.map_or(&Disposition::Frozen, |text| &text.disposition);
        let action = match place {
            Disposition::Open | Disposition::Narrow { .. } => wanted,
            Disposition::Frozen | Disposition::FrozenLax | Disposition::Signed => {
                self.in_frozen(finding, text, place, wanted)
            }
        };
        if action == Action::Block {
            self.add_finding(finding, place, wanted);
        }
        action
    }

    /// What policy, use and mode say, wherever it stands.
    fn wanted(&mut self, finding: &Finding, floor: Floor) -> Action {
        if floor == Floor::Block {
            self.policy_rules.insert("floor.credential".to_owned());
            return Action::Block;
        }
        let rule = self.policy.for_finding(self.scene, finding);
        let (rule_action, treatment, id) = match rule {
            Some(rule) => (rule.action, rule.treatment.unwrap_or(Treatment::Token), rule.id.clone()),
            None => (RuleAction::Mask, Treatment::Token, "default.none".to_owned()),
        };
        self.policy_rules.insert(id);
        let lifted_by_mode = self.observing && matches!(finding.kind, Kind::LabValue | Kind::CareDate);
        if lifted_by_mode && floor == Floor::None && rule_action != RuleAction::Allow {
            let texts = self.input.texts;
            let about = (Some(finding.kind), None);
            let reason = self.add_for(Cause::Finding, Verdict::Observed, about, None, vec![Way::AskContact]);
            reason.at(|| spot(texts, finding.part, finding.range.start));
            return Action::Keep(KeepReason::Observed);
        }
        let treatment = match rule_action {
            RuleAction::Block | RuleAction::Hold => return Action::Block,
            RuleAction::Allow => Treatment::Keep,
            RuleAction::Mask => treatment,
        };
        let by_use = self.scene.using.and_then(|using| using.treatments.get(&finding.kind)).copied();
        let used = match (rule_action, by_use) {
            (RuleAction::Mask, Some(by_use)) => by_use,
            _ => treatment,
        };
        match (floor::raise(floor, used), by_use) {
            (Treatment::Keep, Some(Treatment::Keep)) if rule_action == RuleAction::Mask => {
                Action::Keep(KeepReason::Use)
            }
            (Treatment::Keep, _) => Action::Keep(KeepReason::Policy),
            (treatment, _) => Action::Mask(treatment),
        }
    }

    fn in_frozen(&self, finding: &Finding, text: Option<&LocatedText>, place: &Disposition, wanted: Action) -> Action {
        if let Action::Keep(_) = wanted {
            return wanted;
        }
        let written = text.and_then(|text| text.text.get(finding.range.clone())).unwrap_or_default();
        if finding.kind != Kind::Credential
            && !floor::list_hit(finding)
            && floor::reserved_example(finding.kind, written)
        {
            return Action::Keep(KeepReason::ReservedExample);
        }
        if *place == Disposition::Signed && self.input.known_signed.contains(&finding.part) {
            return Action::Keep(KeepReason::KnownSigned);
        }
        if *place != Disposition::Frozen && !floor::strong(finding) {
            return Action::Keep(KeepReason::WeakInFrozen);
        }
        Action::Block
    }

    fn add_finding(&mut self, finding: &Finding, place: &Disposition, wanted: Action) {
        let held = self.policy.for_finding(self.scene, finding).filter(|_| floor::of(finding) != Floor::Block);
        let by_rule = held.filter(|rule| stops(rule.action)).map(|rule| (rule.id.clone(), rule.action));
        let (cause, verdict, ways) = match (finding.kind, place, wanted) {
            (Kind::Credential, _, _) => (Cause::Credential, Verdict::Blocked, vec![Way::RemoveCredential]),
            (_, _, Action::Block) => match &by_rule {
                Some((_, RuleAction::Hold)) => (Cause::Finding, Verdict::Held, vec![Way::AwaitApproval]),
                _ => (Cause::Finding, Verdict::Blocked, vec![Way::Remove, Way::AskContact]),
            },
            (_, Disposition::Signed, _) => {
                (Cause::SignedText, Verdict::Blocked, vec![Way::NewConversation, Way::AskContact])
            }
            _ => (Cause::FrozenPlace, Verdict::Blocked, vec![Way::MoveIntoText, Way::Remove, Way::AskContact]),
        };
        let texts = self.input.texts;
        let reason = self.add_for(cause, verdict, (Some(finding.kind), None), None, ways);
        reason.at(|| spot(texts, finding.part, finding.range.start));
        reason.rules.insert(finding.rule.as_str().to_owned());
        if wanted == Action::Block {
            reason.rules.extend(by_rule.map(|(id, _)| id));
        }
    }

    /// A reason that is about no kind or class.
    fn add(&mut self, cause: Cause, verdict: Verdict, detail: Option<String>, ways: Vec<Way>) -> &mut Reason {
        self.add_for(cause, verdict, (None, None), detail, ways)
    }

    /// The reason of this cause for this kind or class, one more counted.
    fn add_for(
        &mut self,
        cause: Cause,
        verdict: Verdict,
        about: (Option<Kind>, Option<Class>),
        detail: Option<String>,
        ways: Vec<Way>,
    ) -> &mut Reason {
        let (kind, class) = about;
        let key = (cause, rank(verdict), detail.clone(), kind, class);
        let reason = self.reasons.entry(key).or_insert_with(|| Reason { detail, ..Reason::new(cause, verdict) });
        if let Some(kind) = kind {
            *reason.kinds.entry(kind).or_default() += 1;
        }
        if let Some(class) = class {
            *reason.classes.entry(class).or_default() += 1;
        }
        reason.count += 1;
        for way in ways {
            if !reason.ways.contains(&way) {
                reason.ways.push(way);
            }
        }
        reason
    }

    fn close(self, actions: Vec<Action>, using: Option<&Use>) -> Decision {
        let findings = self.input.findings;
        let reasons: Vec<Reason> = self.reasons.into_values().collect();
        let mut counts = BTreeMap::new();
        let mut kept = BTreeMap::new();
        let mut rules = BTreeSet::new();
        let (mut reversible, mut irreversible) = (BTreeSet::new(), BTreeSet::new());
        for (finding, action) in findings.findings.iter().zip(&actions) {
            *counts.entry(finding.kind).or_default() += 1;
            rules.insert(finding.rule.as_str().to_owned());
            match action {
                Action::Mask(treatment) if treatment.reversible() => {
                    reversible.insert(*treatment);
                }
                Action::Mask(treatment) => {
                    irreversible.insert(*treatment);
                }
                Action::Keep(reason) => *kept.entry(*reason).or_default() += 1,
                Action::Block => {}
            }
        }
        let mut classes = BTreeMap::new();
        for passage in &findings.passages {
            *classes.entry(passage.class).or_default() += 1;
            rules.extend(passage.signals.iter().map(|rule| rule.as_str().to_owned()));
        }
        let led_to = |verdict| reasons.iter().any(|reason| reason.verdict == verdict);
        let verdict = if led_to(Verdict::Blocked) {
            Verdict::Blocked
        } else if led_to(Verdict::Held) {
            Verdict::Held
        } else if led_to(Verdict::Observed) {
            Verdict::Observed
        } else if actions.iter().any(|action| matches!(action, Action::Mask(_))) {
            Verdict::Masked
        } else {
            Verdict::Allowed
        };
        Decision {
            verdict,
            actions,
            reasons,
            counts,
            classes,
            reversible,
            irreversible,
            kept,
            rules,
            policy_rules: self.policy_rules,
            use_id: using.map(|using| using.id.clone()),
            stage: using.map(|using| using.stage),
        }
    }
}

/// Where a stretch stands. Lines are counted for the few places that are shown only.
fn spot(texts: &[LocatedText], part: usize, start: usize) -> Spot {
    let Some(text) = texts.get(part) else { return Spot { address: format!("part {part}"), line: None } };
    let lines = text.text.contains('\n').then(|| {
        let before = text.text.get(..start).unwrap_or_default();
        1 + before.bytes().filter(|byte| *byte == b'\n').count() as u32
    });
    Spot { address: text.address.clone(), line: lines }
}

impl Reason {
    fn at(&mut self, spot: impl FnOnce() -> Spot) {
        if self.spots.len() < Self::SPOTS {
            let spot = spot();
            if !self.spots.contains(&spot) {
                self.spots.push(spot);
            }
        }
    }
}

const fn stopping_verdict(action: RuleAction) -> Option<Verdict> {
    match action {
        RuleAction::Block => Some(Verdict::Blocked),
        RuleAction::Hold => Some(Verdict::Held),
        RuleAction::Allow | RuleAction::Mask => None,
    }
}

/// Blocked before held before observed.
const fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Blocked => 0,
        Verdict::Held => 1,
        _ => 2,
    }
}

/// Lab values that a use keeps stay only when every identifier of the request is replaced; else they get tokens.
fn keep_only_without_identifiers(findings: &Findings, actions: &mut [Action]) {
    let replaced = findings.findings.iter().zip(actions.iter()).all(|(finding, action)| {
        !floor::identifier(finding.kind)
            || matches!(action, Action::Mask(_) | Action::Keep(KeepReason::ReservedExample))
    });
    if replaced {
        return;
    }
    for (finding, action) in findings.findings.iter().zip(actions.iter_mut()) {
        if finding.kind == Kind::LabValue && *action == Action::Keep(KeepReason::Use) {
            *action = Action::Mask(Treatment::Token);
        }
    }
}

#[cfg(test)]
mod tests;
