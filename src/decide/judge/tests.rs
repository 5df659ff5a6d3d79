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
    for stage in [Stage::Draft, Stage::Review, Stage::ExtraReview, Stage::Rejected, Stage::Suspended, Stage::Expired] {
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
