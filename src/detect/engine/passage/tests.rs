use super::*;
use crate::detect::text::Text;

#[test]
fn every_signal_stands_in_its_examples_and_not_in_its_counters() {
    let signals = Signals::shipped();
    let mut wrong = Vec::new();
    for raw in signals::files().into_iter().flat_map(|file| file.signal) {
        assert!(!raw.examples.is_empty(), "{} has no example", raw.id);
        for example in &raw.examples {
            if !signals.standing(&Text::new(example)).contains(&raw.id) {
                wrong.push(format!("{} does not stand in {example}", raw.id));
            }
        }
        for counter in &raw.counters {
            if signals.standing(&Text::new(counter)).contains(&raw.id) {
                wrong.push(format!("{} stands in {counter}", raw.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn classes(text: &str) -> Vec<Class> {
    let folded = Text::new(text);
    let mut out = Output::default();
    let view = View { text: &folded, label: None, author: crate::detect::Author::User };
    Passages::shipped().find(view, &mut Fuel::for_bytes(text.len(), 64), &mut out).expect("fuel");
    judge(&out.signals, folded.folded().len()).into_iter().map(|judged| judged.class).collect()
}

#[test]
fn documents_are_of_their_class() {
    assert_eq!(
        classes("主訴：腹痛\n現病歴：昨夜から心窩部痛、嘔吐2回。\nS) 痛い O) 腹部平坦軟 A) 急性胃炎疑い P) 絶食、補液"),
        vec![Class::ChartText]
    );
    assert_eq!(
        classes(
            "業務委託契約書\n医療法人甲野会（以下「甲」という。）と株式会社乙川（以下「乙」という。）は次のとおり契約を締結する。\n第1条 委託料は月額50万円とする。"
        ),
        vec![Class::Contract]
    );
    assert_eq!(
        classes("人事考課表 評価者 部長\n総合評価 B 昇給 2号俸 賞与係数 1.0 職員番号 00123"),
        vec![Class::HrRecord]
    );
    assert_eq!(
        classes("内部監査報告書（案） 監査対象：薬剤部\n指摘事項1 帳簿の押印漏れ 是正措置の期限 3月末"),
        vec![Class::AuditDocument]
    );
}

#[test]
fn questions_and_templates_are_of_none() {
    for text in [
        "契約書の書き方を教えてください。甲と乙の定義、第1条の書き方、損害賠償の条項のひな形がほしい。",
        "就業規則の懲戒の条文の作り方を教えて。労働基準法第91条も。",
        "教科書の症例です。「60歳男性。主訴：胸痛。現病歴：…」国試の解説を作って",
        "患者氏名：__________ 様　生年月日　　年　月　日　主訴：　　現病歴：",
        "内部監査のチェックリストを作りたい。根拠となるガイドラインも教えて。",
    ] {
        assert_eq!(classes(text), Vec::<Class>::new(), "{text}");
    }
}
