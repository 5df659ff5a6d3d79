#![expect(clippy::string_slice, reason = "tests may panic")]

use proptest::prelude::*;

use super::super::path::{Entry, List};
use super::*;

struct Log(Vec<String>);
impl Visitor for Log {
    type Error = std::convert::Infallible;
    fn key(&mut self, _: &At<'_, '_>) -> Result<(), Self::Error> {
        Ok(())
    }
    fn scalar(&mut self, at: &At<'_, '_>) -> Result<(), Self::Error> {
        let path: Vec<String> = at
            .path
            .iter()
            .map(|s| match s {
                Step::Key(k) => k.to_string(),
                Step::Index(i) => i.to_string(),
            })
            .collect();
        let mark = if at.doubtful { "?" } else { "" };
        let mut matched = at.matched.to_vec();
        matched.sort_unstable();
        self.0.push(format!("{}={}{mark}{matched:?}", path.join("."), at.tape.string(at.token)));
        Ok(())
    }
    fn enter(&mut self, _: &At<'_, '_>) -> Result<(), Self::Error> {
        Ok(())
    }
    fn leave(&mut self, _: &At<'_, '_>) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn walk(text: &str, paths: &[&str]) -> Vec<String> {
    let entry = |p: &&str| Entry { list: List::Request, path: (*p).to_owned(), ordinal: 0, both_cases: true };
    let set = PathSet::compile(&paths.iter().map(entry).collect::<Vec<_>>()).unwrap();
    let mut log = Log(Vec::new());
    let Ok(()) = Tape::read(text, 127, 1000).unwrap().walk(&set, &mut log);
    log.0
}

#[test]
fn predicates_look_at_keys_that_come_later_and_at_keys_that_stand_twice() {
    let paths = ["c[type=a].t", "c[*].t", "s[type=b].d", "p[thought=true].x", "p[thought=false].x"];
    assert_eq!(walk(r#"{"c":[{"t":"1","type":"a"},{"t":"2"}]}"#, &paths)[0], "c.0.t=1[0, 1]");
    assert_eq!(walk(r#"{"c":[{"t":"1","type":"a"},{"t":"2"}]}"#, &paths)[2], "c.1.t=2[1]");
    assert_eq!(walk(r#"{"s":{"d":"1","type":"b"}}"#, &paths)[0], "s.d=1[2]");
    assert_eq!(walk(r#"{"p":[{"x":"1","thought":true},{"x":"2"}]}"#, &paths)[0], "p.0.x=1[3]");
    assert_eq!(walk(r#"{"p":[{"x":"1","thought":true},{"x":"2"}]}"#, &paths)[2], "p.1.x=2[4]");
    assert_eq!(walk(r#"{"c":[{"type":"a","t":"1","type":"z"}]}"#, &paths)[1], "c.0.t=1?[0, 1]");
    assert_eq!(walk(r#"{"c":{"\u0074":"1","type":"a"}}"#, &paths)[0], "c.t=1[0]");
}

#[test]
fn stars_deep_and_both_cases() {
    let paths = ["a.**", "**.id", "m.*.x", "fooBar[1].y", "**"];
    assert_eq!(walk(r#"{"a":{"id":"1"}}"#, &paths), ["a.id=1[0, 1, 4]"].map(String::from));
    assert_eq!(walk(r#"{"m":{"k":{"x":"1"}}}"#, &paths), ["m.k.x=1[2, 4]"]);
    assert_eq!(walk(r#"{"foo_bar":[{"y":"0"},{"y":"1"}]}"#, &paths)[1], "foo_bar.1.y=1[3, 4]");
    assert_eq!(walk(r#""x""#, &paths), ["=x[4]"]);
}

#[test]
fn broken_json_is_refused_with_its_place() {
    let read = |text: &str| Tape::read(text, 127, 100).map(|_| ()).unwrap_err();
    assert_eq!(read("{\"a\":1} x"), JsonError::Trailing { offset: 8 });
    assert_eq!(read("{\"a\":\n1,}"), JsonError::Syntax { line: 2, column: 3 });
    assert_eq!(read(r#"{"a":"\ud83d"}"#), JsonError::LoneSurrogate { offset: 6 });
    assert_eq!(read(r#"["\ude00"]"#), JsonError::LoneSurrogate { offset: 2 });
    assert_eq!(read(r#"["\ud83d\u0041"]"#), JsonError::LoneSurrogate { offset: 2 });
    assert_eq!(read(r#"["\ud83d","\ude00"]"#), JsonError::LoneSurrogate { offset: 2 });
    let nested = "[".repeat(200) + &"]".repeat(200);
    assert_eq!(Tape::read(&nested, 127, 1000).unwrap_err(), JsonError::Depth { limit: 127, offset: 127 });
    assert!(matches!(read(&format!("[{}1]", "1,".repeat(200))), JsonError::Values { limit: 100 }));
    for bad in [
        "",
        " ",
        "{",
        "[1 2]",
        "{\"a\"}",
        "nul",
        "'a'",
        "{\"a\":\"\u{1}\"}",
        "[01]",
        "NaN",
        "\u{FEFF}{}",
        "[1,]",
        "{a:1}",
        "\"\\x\"",
    ] {
        assert!(Tape::read(bad, 127, 100).is_err(), "{bad:?}");
    }
    assert!(Tape::read(r#"["\ud83d\ude00\u0000\/"]"#, 127, 100).is_ok());
}

#[test]
fn depth_may_be_set_lower() {
    assert!(Tape::read("[[1]]", 2, 10).is_ok());
    assert_eq!(Tape::read("[[1]]", 1, 10).unwrap_err(), JsonError::Depth { limit: 1, offset: 1 });
}

fn edit(raw: &str, edits: &[(Range<usize>, &str)]) -> String {
    let patches = edit_literal(raw, edits, Style::default()).unwrap();
    let mut out = String::new();
    let mut at = 0;
    for (range, with) in patches {
        out.push_str(&raw[at..range.start]);
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(&raw[at..]);
    out
}

#[test]
fn escapes_are_kept_in_their_style() {
    assert_eq!(edit("山田さん\\n", &[(0..6, "[患者:7K]")]), "[患者:7K]さん\\n");
    assert_eq!(edit(r"\u5c71\u7530\u3055\u3093", &[(0..6, "[患:7]")]), r"[\u60a3:7]\u3055\u3093");
    assert_eq!(edit(r"\u5C71\u7530\u3055", &[(0..6, "患")]), r"\u60A3\u3055");
    assert_eq!(edit(r"\ud83d\ude00a", &[(4..5, "😀\"")]), r#"\ud83d\ude00\ud83d\ude00\""#);
    assert_eq!(edit(r"a\/b", &[(0..1, "[x/y]")]), r"[x/y]\/b");
    assert_eq!(edit(r"\u5c71\/b", &[(0..3, "山/")]), r"\u5c71\/\/b");
    assert!(edit_literal("山", &[(1..2, "x")], Style::default()).is_none());
    assert!(edit_literal("abc", &[(1..2, "x"), (0..1, "y")], Style::default()).is_none());
    assert!(edit_literal("abc", &[(2..9, "x")], Style::default()).is_none());
    assert!(document_style(r#"{"a":"\u5c71"}"#).ascii);
    assert!(!document_style(r#"{"a":"山\u5c71"}"#).ascii);
    assert!(!document_style(r#"{"a":"\u0041"}"#).ascii);
}

proptest! {
    #[test]
    fn writing_and_reading_a_literal_agree(text in ".{0,40}", ascii: bool, upper: bool, slash: bool) {
        let raw = escape(&text, Style { ascii, upper, slash });
        prop_assert_eq!(unescape(&raw), text.clone());
        let whole = format!("\"{raw}\"");
        let read: String = serde_json::from_str(&whole).unwrap();
        prop_assert_eq!(read, text);
    }

    #[test]
    fn an_edit_of_the_literal_is_the_edit_of_the_text(
        text in ".{1,30}", with in ".{0,10}", ascii: bool, a in 0usize..30, b in 0usize..30
    ) {
        let raw = escape(&text, Style { ascii, ..Style::default() });
        let bounds: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        let (a, b) = (bounds[a % bounds.len()], bounds[b % bounds.len()]);
        let range = a.min(b)..a.max(b);
        let mut wanted = text.clone();
        wanted.replace_range(range.clone(), &with);
        let got = edit(&raw, &[(range, &with)]);
        prop_assert_eq!(unescape(&got), wanted);
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in "[\\[\\]{}\",:0-9a-z\\\\u ]{0,60}") {
        if let Ok(tape) = Tape::read(&text, 127, 1000) {
            prop_assert!(serde_json::from_str::<IgnoredAny>(&text).is_ok());
            prop_assert!(tape.span(0).end <= text.len());
        }
    }
}
