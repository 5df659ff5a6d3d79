use unicode_normalization::UnicodeNormalization;

use super::*;

fn check(original: &str, folded: &str) {
    let text = Text::new(original);
    assert_eq!(text.folded(), folded);
    assert_eq!(text.to_original(0..folded.len()), 0..original.len());
}

#[test]
fn width_kana_and_ligatures_fold() {
    check("０９０－１２３４", "090-1234");
    check("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ タロウ");
    check("コ゛トウ", "ゴトウ");
    check("５㎎／㎗", "5mg/dl");
    check("㍻元年", "平成元年");
    check("10⁴", "10^4");
    check("①5", "(1)5");
    check("髙橋", "高橋");
    check("０３ー１２３４", "03-1234");
    check("データー3", "データー3");
}

#[test]
fn kanji_digits_fold_inside_numbers_only() {
    check("〇九〇−一二三四−五六七八", "090-1234-5678");
    check("電話は〇三ー一二三四ー五六七八", "電話は03-1234-5678");
    check("○三-五五五一-八〇二二", "03-5551-8022");
    check("二〇二四年三月", "2024年三月");
    check("二〜三", "二~三");
    check("木山五九四番地", "木山594番地");
    for same in ["三十五年", "二、三日", "一二三さん", "〇〇様", "〇〇年", "第一五条", "百二十三", "五十嵐一"]
    {
        check(same, same);
    }
}

#[test]
fn look_alikes_fold_in_ascii_words_only() {
    check("tаnaka@exаmple.org", "tanaka@example.org");
    check("ΑB123", "AB123");
    for same in ["Анна Иванова", "α遮断薬", "ΔHbA1c", "β2-MG", "οΑ"] {
        check(same, same);
    }
}

#[test]
fn a_line_break_inside_a_number_or_address_goes() {
    check("090-\n1234-5678", "090-1234-5678");
    check("０９０－\r\n１２３４", "090-1234");
    check("tanaka@\r\nexample.org", "tanaka@example.org");
    check("1234\n5678", "1234\n5678");
    check("- 1\n- 2", "- 1\n- 2");
}

#[test]
fn sound_marks_join_the_kana_before_them() {
    check("か\u{3099}くと コ゛トウ", "がくと ゴトウ");
    check("人゛", "人゛".nfkc().collect::<String>().as_str());
}

#[test]
fn atoms_are_one_letter_that_is_none() {
    let original = "担当 [患者:7K3Q2F9M]様 ０９";
    let start = original.find('[').unwrap();
    let end = original.find('様').unwrap();
    let text = Text::with_atoms(original, &[start..end]);
    assert_eq!(text.folded(), "担当 \u{fffc}様 09");
    let at = text.folded().find(ATOM).unwrap();
    assert_eq!(text.to_original(at..at + 3), start..end);
    let ascii = Text::with_atoms("a PATIENT_7K3Q2F9M b", &[2..18]);
    assert_eq!(ascii.folded(), "a \u{fffc} b");
}

#[test]
fn single_letters_lose_their_blanks() {
    let unspaced = |text: &str| Text::new(text).unspaced().map(|text| text.folded().to_owned());
    assert_eq!(unspaced("氏名：山 田 太 郎、男").as_deref(), Some("氏名:山田太郎、男"));
    assert_eq!(unspaced("tel 0 9 0 1 2 3 4 です").as_deref(), Some("tel 0901234 です"));
    assert_eq!(unspaced("a b c def"), None);
    assert_eq!(unspaced("plain words only here"), None);
    let text = Text::new("あ 山 田　太 郎").unspaced().unwrap();
    let at = text.folded().find("山田太郎").unwrap();
    assert_eq!(text.original().get(text.to_original(at..at + 12)), Some("山 田　太 郎"));
}

mod properties {
    use proptest::prelude::*;

    use super::super::*;

    fn letters() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "a",
            "Z",
            "0",
            "9",
            "-",
            "\n",
            "\r\n",
            " ",
            "　",
            "０",
            "９",
            "ー",
            "−",
            "あ",
            "か",
            "\u{3099}",
            "゛",
            "ﾀ",
            "ﾞ",
            "ﾊ",
            "ﾟ",
            "髙",
            "邉",
            "\u{e0102}",
            "\u{200b}",
            "㎎",
            "㍻",
            "①",
            "⁴",
            "一",
            "〇",
            "九",
            "十",
            "年",
            "番",
            "а",
            "Ж",
            "Α",
            "μ",
            "@",
            ".",
            "\u{1f469}\u{200d}\u{2695}",
            "ſ",
            "ﬁ",
            "½",
            "㌔",
            "e\u{301}",
            "\u{fffc}",
            "𠮷",
            "叱",
        ]);
        prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
    }

    fn holds(text: &Text) -> Result<(), TestCaseError> {
        let (folded, original) = (text.folded(), text.original());
        let places: Vec<usize> = folded.char_indices().map(|(at, _)| at).chain(std::iter::once(folded.len())).collect();
        let mut last = 0..0;
        for pair in places.windows(2) {
            let written = text.to_original(pair[0]..pair[1]);
            prop_assert!(original.is_char_boundary(written.start) && original.is_char_boundary(written.end));
            prop_assert!(written.start <= written.end && written.end <= original.len());
            prop_assert!(written.start >= last.start && written.end >= last.end, "not monotone");
            prop_assert!(written.start >= last.end || written == last, "two letters share a part of their origin");
            last = written;
        }
        for (index, &start) in places.iter().enumerate() {
            for &end in &places[index..] {
                let written = text.to_original(start..end);
                prop_assert!(original.get(written).is_some());
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn every_range_maps_back(original in letters()) {
            let text = Text::new(&original);
            holds(&text)?;
            if let Some(unspaced) = text.unspaced() {
                holds(&unspaced)?;
            }
        }

        #[test]
        fn any_text_folds(original in ".*") {
            holds(&Text::new(&original))?;
        }

        #[test]
        fn any_atoms_fold(original in letters(), cuts in prop::collection::vec(0..80_usize, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| original.is_char_boundary(cut)).collect();
            cuts.sort_unstable();
            let atoms: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let text = Text::with_atoms(&original, &atoms);
            holds(&text)?;
            for atom in atoms.iter().filter(|atom| !atom.is_empty()) {
                let inside = text.folded().char_indices().any(|(at, letter)| {
                    letter != ATOM && {
                        let written = text.to_original(at..at + letter.len_utf8());
                        written.start < atom.end && atom.start < written.end
                    }
                });
                prop_assert!(!inside, "a letter of an atom was left");
            }
        }

        #[test]
        fn folding_twice_changes_nothing_more(original in "[ａ-ｚ０-９ぁ-んァ-ン一-龠]{0,30}") {
            let once = Text::new(&original).folded().to_owned();
            let twice = Text::new(&once);
            prop_assert_eq!(twice.folded(), once.as_str());
        }
    }
}

#[test]
fn a_stretch_maps_to_the_letters_it_came_from() {
    let text = Text::new("氏名：渡邉\u{e0102}　ﾀﾞｲ様");
    let at = text.folded().find("辺").unwrap_or_default();
    let written = text.to_original(at..at + "辺".len());
    assert_eq!(text.original().get(written), Some("邉"));
    let at = text.folded().find("ダイ").unwrap_or_default();
    let written = text.to_original(at..at + "ダイ".len());
    assert_eq!(text.original().get(written), Some("ﾀﾞｲ"));
}

#[test]
fn ascii_is_kept() {
    let text = Text::new("plain text 123");
    assert_eq!(text.folded(), text.original());
    assert_eq!(text.to_original(3..7), 3..7);
}
