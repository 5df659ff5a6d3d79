use super::*;
use crate::detect::document::Author;

fn found(text: &str) -> Vec<String> {
    let text = Text::new(text);
    let mut out = Output::default();
    let mut fuel = Fuel::for_bytes(text.original().len(), 100);
    Addresses::new()
        .unwrap()
        .find(View { text: &text, label: None, author: Author::User }, &mut fuel, &mut out)
        .unwrap();
    out.candidates
        .into_iter()
        .filter(|candidate| candidate.confidence >= 0.5)
        .map(|candidate| text.original().get(text.to_original(candidate.range)).unwrap().to_owned())
        .collect()
}

#[test]
fn residences() {
    for (text, address) in [
        ("自宅 八王子市子安町四丁目２－１１　メゾン子安３０２\n通院", "八王子市子安町四丁目２－１１　メゾン子安３０２"),
        ("京都市上京区今出川通大宮西入ル元北小路町一四七\n食事", "京都市上京区今出川通大宮西入ル元北小路町一四七"),
        ("当時の住所　札幌市白石区本通5丁目北3-12\n追記", "札幌市白石区本通5丁目北3-12"),
        (
            "住所：北見市とん田西町218番地7 コーポとんでん105　電話：0157-24-8819",
            "北見市とん田西町218番地7 コーポとんでん105",
        ),
        (
            "〒3900811 長野県松本市中央２－２４－１１ ｱﾙﾌﾟｽﾊｲﾂ B-３０６\nTEL1",
            "長野県松本市中央２－２４－１１ ｱﾙﾌﾟｽﾊｲﾂ B-３０６",
        ),
        ("本籍石川県鹿島郡中能登町能登部下91ヲ12\n", "石川県鹿島郡中能登町能登部下91ヲ12"),
        (
            "様　7180003　岡山県新見市高尾 二四八八番地 ﾊｲﾂ新見 一〇五号",
            "岡山県新見市高尾 二四八八番地 ﾊｲﾂ新見 一〇五号",
        ),
        ("住所　熊本県上益城郡益城町大字木山五九四番地\n氏名", "熊本県上益城郡益城町大字木山五九四番地"),
        (
            "named lives at 1180 Alameda Creek Dr Apt 3C, San Antonio, TX 78201.",
            "1180 Alameda Creek Dr Apt 3C, San Antonio, TX 78201",
        ),
        ("Mrs Okafor at home, 19 Larch Close, Bingley BD16 3QT", "19 Larch Close, Bingley BD16 3QT"),
        ("address: 1-2-3 Jinnan, Shibuya-ku, Tokyo 150-0041", "1-2-3 Jinnan, Shibuya-ku, Tokyo 150-0041"),
    ] {
        assert_eq!(found(text), [address], "{text}");
    }
}

#[test]
fn what_is_public_or_none() {
    for text in [
        "熊谷病院\t360-0000\t熊谷市中央2-1\t048",
        "札幌市在住、横浜市から3人",
        "株式会社山田 東京都千代田区丸の内1-2-3",
        "死亡したところ 静岡県静岡市葵区鷹匠1番地 病院",
        "東京都の2023年の統計では大阪市の患者 120名",
        "Kakuu Hospital, 1 High Street, Nowhere",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}
