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
mod tests {
    use std::sync::Arc;

    use jiff::civil::date;

    use super::super::policy::PolicySettings;
    use super::super::who::{Stage, Strength};
    use super::*;
    use crate::detect::{Author, Entity, RuleId};
    use crate::locate::Place;

    struct Case {
        texts: Vec<LocatedText>,
        findings: Findings,
        person: Person,
        destination: Destination,
        uses: Vec<Use>,
        declared: Option<String>,
        observe: Vec<Observe>,
        signed: HashSet<usize>,
        obstacles: Vec<Obstacle>,
        policy: String,
    }

    fn case() -> Case {
        Case {
            texts: Vec::new(),
            findings: Findings::default(),
            person: Person {
                id: Some("yamada".into()),
                strength: Strength::Authenticated,
                groups: vec!["ward3".into()],
                ..Person::default()
            },
            destination: Destination { service: "openai".into(), approved: true, ..Destination::default() },
            uses: Vec::new(),
            declared: None,
            observe: Vec::new(),
            signed: HashSet::new(),
            obstacles: Vec::new(),
            policy: String::new(),
        }
    }

    impl Case {
        fn text(mut self, disposition: Disposition, text: &str) -> Self {
            self.texts.push(LocatedText {
                address: format!("messages[{}].content", self.texts.len()),
                text: text.to_owned(),
                label: None,
                disposition,
                place: Place::Body,
                unit: 1,
                author: Author::User,
            });
            self
        }

        /// The whole of the last text is a finding.
        fn found(mut self, kind: Kind, edit: impl FnOnce(&mut Finding)) -> Self {
            let part = self.texts.len() - 1;
            let mut finding = Finding {
                part,
                range: 0..self.texts[part].text.len(),
                kind,
                subtype: None,
                confidence: 0.7,
                rule: RuleId::new("test.rule"),
                evidence: Vec::new(),
                entity: Entity(0),
                role: None,
                proven: false,
                value: None,
            };
            edit(&mut finding);
            self.findings.findings.push(finding);
            self
        }

        fn passage(mut self, class: Class, marked: bool) -> Self {
            let part = self.texts.len() - 1;
            let range = 0..self.texts[part].text.len();
            self.findings.passages.push(Passage { part, range, class, confidence: 0.8, marked, signals: Vec::new() });
            self
        }

        fn with_use(mut self, classes: &[Class], treatments: &[(Kind, Treatment)]) -> Self {
            self.uses.push(Use {
                id: format!("use-{}", self.uses.len()),
                purpose: "退院サマリの下書き".into(),
                basis: String::new(),
                stage: Stage::Production,
                people: vec!["yamada".into()],
                groups: Vec::new(),
                services: vec!["openai".into()],
                classes: classes.to_vec(),
                treatments: treatments.iter().copied().collect(),
                until: date(2027, 3, 31),
                output_reviewer: None,
            });
            self
        }

        fn observing(mut self) -> Self {
            self.observe.push(Observe {
                groups: vec!["ward3".into()],
                approver: "情報管理責任者".into(),
                from: date(2026, 11, 1),
                until: date(2026, 11, 30),
            });
            self
        }

        fn decide(&self) -> Decision {
            let settings: PolicySettings = toml::from_str(&self.policy).unwrap();
            Policy::new(&settings).unwrap().decide(&Input {
                texts: &self.texts,
                findings: &self.findings,
                person: &self.person,
                destination: &self.destination,
                uses: &self.uses,
                declared_use: self.declared.as_deref(),
                observe: &self.observe,
                today: date(2026, 11, 24),
                known_signed: &self.signed,
                obstacles: &self.obstacles,
            })
        }
    }

    const MASKED: Action = Action::Mask(Treatment::Token);

    fn my_number(finding: &mut Finding) {
        finding.subtype = Some(Arc::from("my_number"));
    }

    #[test]
    fn an_empty_request_is_allowed() {
        let decision = case().text(Disposition::Open, "天気は？").decide();
        assert_eq!((decision.verdict, decision.reasons.len()), (Verdict::Allowed, 0));
        assert!(decision.goes_on());
    }

    #[test]
    fn the_shipped_table_holds_kind_by_kind() {
        for kind in Kind::ALL {
            let decision = case().text(Disposition::Open, "x").found(kind, |_| {}).decide();
            let wanted = match kind {
                Kind::Credential => Action::Block,
                Kind::Age => Action::Mask(Treatment::Generalise),
                _ => MASKED,
            };
            assert_eq!(decision.actions, [wanted], "{kind:?}");
            let verdict = if wanted == Action::Block { Verdict::Blocked } else { Verdict::Masked };
            assert_eq!(decision.verdict, verdict, "{kind:?}");
        }
        let decision = case().text(Disposition::Open, "x").found(Kind::NationalId, my_number).decide();
        assert_eq!(decision.actions, [Action::Mask(Treatment::Redact)]);
        assert_eq!(decision.irreversible, BTreeSet::from([Treatment::Redact]));
        assert!(decision.reversible.is_empty());
    }

    #[test]
    fn the_shipped_table_holds_class_by_class() {
        for class in Class::ALL {
            let open = case().text(Disposition::Open, "x").passage(class, false).decide();
            let blocked = class != Class::InternalDocument;
            assert_eq!(open.verdict == Verdict::Blocked, blocked, "{class:?}");
            let marked = case().text(Disposition::Open, "x").passage(class, true).decide();
            assert_eq!(marked.verdict, Verdict::Blocked, "{class:?}");
            assert_eq!(marked.reasons[0].classes, BTreeMap::from([(class, 1)]));
            assert_eq!(marked.reasons[0].spots, [Spot { address: "messages[0].content".into(), line: None }]);
            let used = case().text(Disposition::Open, "x").passage(class, true).with_use(&[class], &[]).decide();
            assert_eq!(used.verdict, Verdict::Allowed, "{class:?}");
            assert_eq!(used.use_id.as_deref(), Some("use-0"));
            assert_eq!(used.classes, BTreeMap::from([(class, 1)]));
        }
    }

    #[test]
    fn only_a_named_person_on_that_service_before_the_end_gets_a_use() {
        let chart =
            || case().text(Disposition::Open, "x").passage(Class::ChartText, false).with_use(&[Class::ChartText], &[]);
        assert_eq!(chart().decide().verdict, Verdict::Allowed);
        for strength in [Strength::Shared, Strength::Network, Strength::Anonymous] {
            let mut case = chart();
            case.person.strength = strength;
            let decision = case.decide();
            assert_eq!(decision.verdict, Verdict::Blocked);
            assert!(decision.reasons[0].ways.contains(&Way::SignIn));
        }
        let mut other = chart();
        other.destination.service = "anthropic".into();
        assert_eq!(other.decide().verdict, Verdict::Blocked);
        let mut over = chart();
        over.uses[0].until = date(2026, 11, 23);
        assert!(over.decide().reasons[0].ways.contains(&Way::ApplyForUse));
        for stage in
            [Stage::Draft, Stage::Review, Stage::ExtraReview, Stage::Rejected, Stage::Suspended, Stage::Expired]
        {
            let mut case = chart();
            case.uses[0].stage = stage;
            assert_eq!(case.decide().verdict, Verdict::Blocked, "{stage:?}");
        }
        let mut stranger = chart();
        stranger.person.id = Some("suzuki".into());
        assert_eq!(stranger.decide().verdict, Verdict::Blocked);
    }

    #[test]
    fn the_use_that_names_all_classes_is_taken_and_a_declared_one_is_obeyed() {
        let two = || {
            case()
                .text(Disposition::Open, "x")
                .passage(Class::ChartText, false)
                .passage(Class::Contract, false)
                .with_use(&[Class::ChartText], &[])
                .with_use(&[Class::ChartText, Class::Contract], &[])
        };
        assert_eq!(two().decide().use_id.as_deref(), Some("use-1"));
        let mut declared = two();
        declared.declared = Some("use-0".into());
        let decision = declared.decide();
        assert_eq!(decision.verdict, Verdict::Blocked);
        assert!(decision.reasons[0].ways.contains(&Way::ChooseUse(vec!["use-1".into()])));
    }

    #[test]
    fn lab_values_are_kept_by_a_use_only_when_all_identifiers_are_replaced() {
        let lab = || {
            case()
                .text(Disposition::Open, "HbA1c 6.2%")
                .found(Kind::LabValue, |_| {})
                .with_use(&[], &[(Kind::LabValue, Treatment::Keep), (Kind::PersonName, Treatment::Keep)])
        };
        assert_eq!(lab().decide().actions, [Action::Keep(KeepReason::Use)]);
        let with_name = lab().text(Disposition::Open, "山田").found(Kind::PersonName, |_| {});
        assert_eq!(with_name.decide().actions, [Action::Keep(KeepReason::Use), MASKED]);
        let frozen = lab().text(Disposition::FrozenLax, "山田").found(Kind::PersonName, |_| {});
        assert_eq!(frozen.decide().actions, [MASKED, Action::Keep(KeepReason::WeakInFrozen)]);
        let generalised = case()
            .text(Disposition::Open, "6.2")
            .found(Kind::LabValue, |_| {})
            .with_use(&[], &[(Kind::LabValue, Treatment::Generalise)]);
        assert_eq!(generalised.decide().actions, [Action::Mask(Treatment::Generalise)]);
    }

    #[test]
    fn no_rule_use_or_mode_lifts_a_floor() {
        let mut lifted = case()
            .observing()
            .with_use(
                &Class::ALL,
                &[
                    (Kind::PersonName, Treatment::Keep),
                    (Kind::Credential, Treatment::Keep),
                    (Kind::NationalId, Treatment::Token),
                ],
            )
            .text(Disposition::Open, "x")
            .found(Kind::Credential, |_| {})
            .found(Kind::NationalId, my_number)
            .found(Kind::PersonName, |_| {})
            .found(Kind::LabValue, |finding| finding.rule = RuleId::new("list.number"));
        lifted.policy = "[[rule]]\nid='all'\naction='allow'".into();
        let decision = lifted.decide();
        assert_eq!(decision.actions, [Action::Block, Action::Mask(Treatment::Redact), MASKED, MASKED]);
        let mut unapproved = case().observing().text(Disposition::Open, "x");
        unapproved.destination.approved = false;
        unapproved.destination.approved_services = vec!["Anthropic".into()];
        let decision = unapproved.decide();
        assert_eq!(decision.verdict, Verdict::Blocked);
        assert_eq!(decision.reasons[0].cause, Cause::ServiceNotApproved);
        assert!(decision.reasons[0].ways.contains(&Way::ApprovedService(vec!["Anthropic".into()])));
    }

    #[test]
    fn observe_mode_lets_classes_values_dates_and_formats_through_and_says_so() {
        let mut watched = case()
            .observing()
            .text(Disposition::Open, "x")
            .passage(Class::ChartText, false)
            .found(Kind::CareDate, |_| {})
            .found(Kind::LabValue, |_| {})
            .found(Kind::Phone, |_| {});
        watched.obstacles.push(Obstacle { what: "media_type".into(), address: "body".into() });
        let decision = watched.decide();
        assert_eq!(decision.verdict, Verdict::Observed);
        let observed = Action::Keep(KeepReason::Observed);
        assert_eq!(decision.actions, [observed, observed, MASKED]);
        assert_eq!(decision.reasons.len(), 4);
        watched.person.groups = vec!["other".into()];
        assert_eq!(watched.decide().verdict, Verdict::Blocked);
        watched.person.groups = vec!["ward3".into()];
        watched.observe[0].until = date(2026, 12, 2);
        assert_eq!(watched.decide().verdict, Verdict::Blocked, "more than 30 days is no observe mode");
    }

    #[test]
    fn frozen_places_block_and_lax_ones_only_what_is_strong() {
        let at = |place: &Disposition, confidence: f32, proven: bool| {
            let case = case().text(place.clone(), "山田太郎").found(Kind::PersonName, |finding| {
                finding.confidence = confidence;
                finding.proven = proven;
            });
            case.decide()
        };
        let decision = at(&Disposition::Frozen, 0.5, false);
        assert_eq!((decision.verdict, decision.reasons[0].cause), (Verdict::Blocked, Cause::FrozenPlace));
        assert!(decision.reasons[0].ways.contains(&Way::MoveIntoText));
        for place in [Disposition::FrozenLax, Disposition::Signed] {
            assert_eq!(at(&place, 0.8, false).actions, [Action::Keep(KeepReason::WeakInFrozen)]);
            assert_eq!(at(&place, 0.9, false).verdict, Verdict::Blocked);
            assert_eq!(at(&place, 0.6, true).verdict, Verdict::Blocked);
        }
        let mut signed = case().text(Disposition::Signed, "山田太郎").found(Kind::PersonName, |f| f.confidence = 0.95);
        let decision = signed.decide();
        assert_eq!(decision.reasons[0].cause, Cause::SignedText);
        assert!(decision.reasons[0].ways.contains(&Way::NewConversation));
        signed.signed.insert(0);
        assert_eq!(signed.decide().actions, [Action::Keep(KeepReason::KnownSigned)]);
        let example = case().text(Disposition::Frozen, "taro@example.com").found(Kind::Email, |f| f.confidence = 1.0);
        assert_eq!(example.decide().actions, [Action::Keep(KeepReason::ReservedExample)]);
    }

    #[test]
    fn a_reason_names_line_and_address() {
        let decision = case().text(Disposition::Open, "一行目\n二行目\nsecret").found(Kind::Credential, |finding| {
            finding.range = 20..26;
        });
        assert_eq!(decision.decide().reasons[0].spots, [Spot { address: "messages[0].content".into(), line: Some(3) }]);
    }

    #[test]
    fn places_and_rules_of_one_kind_are_not_those_of_another() {
        let decision = case()
            .text(Disposition::Frozen, "0038412")
            .found(Kind::PatientId, |finding| finding.rule = RuleId::new("patient.number"))
            .text(Disposition::Frozen, "090-1234-5678")
            .found(Kind::Phone, |finding| finding.rule = RuleId::new("contact.phone"))
            .decide();
        let of = |kind: Kind| decision.reasons.iter().find(|reason| reason.kinds.contains_key(&kind)).unwrap();
        for (kind, rule, address) in [
            (Kind::PatientId, "patient.number", "messages[0].content"),
            (Kind::Phone, "contact.phone", "messages[1].content"),
        ] {
            let reason = of(kind);
            assert_eq!((reason.count, reason.kinds.len()), (1, 1));
            assert_eq!(reason.rules, BTreeSet::from([rule.to_owned()]));
            assert_eq!(reason.spots, [Spot { address: address.into(), line: None }]);
        }
    }

    #[test]
    fn a_class_that_no_use_lifts_is_not_answered_with_a_use() {
        let mut case =
            case().text(Disposition::Open, "x").passage(Class::ChartText, false).with_use(&[Class::ChartText], &[]);
        case.policy = "[[rule]]\nid='never'\nclasses=['chart_text']\naction='block'\nliftable=false".into();
        assert_eq!(case.decide().reasons[0].ways, [Way::Remove, Way::AskContact]);
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        let mut held = case().text(Disposition::Open, "x").found(Kind::Phone, |_| {});
        held.policy = "[[rule]]\nid='h'\nkinds=['phone']\ngroups=['ward3']\nconfidence=0.6\naction='hold'\n\
                       [[rule]]\nid='b'\nkinds=['phone']\naction='block'"
            .into();
        let decision = held.decide();
        assert_eq!((decision.verdict, decision.actions.as_slice()), (Verdict::Held, &[Action::Block][..]));
        assert!(decision.reasons[0].rules.contains("h"));
        held.person.groups.clear();
        assert_eq!(held.decide().verdict, Verdict::Blocked);
        let mut whole = case().text(Disposition::Open, "x");
        whole.policy = "[[rule]]\nid='stop'\nservices=['openai']\naction='block'".into();
        assert_eq!(whole.decide().reasons[0].cause, Cause::Rule);
    }

    #[test]
    fn a_rule_may_say_that_no_use_lifts_it() {
        let mut case =
            case().text(Disposition::Open, "x").passage(Class::ChartText, false).with_use(&[Class::ChartText], &[]);
        case.policy = "[[rule]]\nid='never'\nclasses=['chart_text']\naction='block'\nliftable=false".into();
        assert_eq!(case.decide().verdict, Verdict::Blocked);
    }

    #[test]
    fn the_decision_serialises_without_text() {
        let decision = case()
            .text(Disposition::Open, "ひみつ太郎")
            .found(Kind::PersonName, |_| {})
            .passage(Class::ChartText, false)
            .text(Disposition::Frozen, "090-1111-2222")
            .found(Kind::Phone, |_| {})
            .decide();
        let written = serde_json::to_string(&decision).unwrap();
        assert!(!written.contains("ひみつ") && !written.contains("1111"));
        assert!(written.contains("\"chart_text\":1") && written.contains("messages[1].content"));
        assert!(serde_json::from_str::<Decision>(&written).is_ok());
    }

    #[test]
    fn hosts_that_are_no_service_are_denied_to_the_record_network() {
        assert!(may_tunnel(UnknownHosts::Tunnel, false));
        assert!(!may_tunnel(UnknownHosts::Tunnel, true));
        assert!(!may_tunnel(UnknownHosts::Deny, false));
    }
}
