use super::*;

const GOLD: &str = r#"{"id":"a","text":"患者 山田太郎 090-1234-5678 と川崎病","spans":[{"start":3,"end":7,"kind":"person_name","text":"山田太郎"},{"start":8,"end":21,"kind":"phone","text":"090-1234-5678"}],"classes":["chart_text"],"traps":[{"start":23,"end":26,"text":"川崎病","why":"disease"}]}
{"id":"b","text":"plain words","spans":[],"classes":[],"traps":[]}
{"id":"c","text":"ID 0012 と 0013","spans":[{"start":3,"end":7,"kind":"patient_id","text":"0012"},{"start":10,"end":14,"kind":"patient_id","text":"0013"}],"classes":["hr_record"],"traps":[]}
"#;
const PREDICTED: &str = r#"{"id":"a","spans":[{"start":3,"end":6,"kind":"person_name"},{"start":8,"end":21,"kind":"patient_id"},{"start":23,"end":99,"kind":"person_name"}],"classes":["chart_text","contract"]}
{"id":"b","spans":[{"start":0,"end":5,"kind":"person_name"},{"start":4,"end":4,"kind":"phone"}]}
"#;

/// What the corpus's own scorer (Python) prints for the same two files.
const TABLE: &str = "\
documents          3
leak_rate           0.360
leaking_documents   1.000
over_mask_rate      0.308
trap_hits           1.000

kind              gold recall covered   prec     f1
patient_id           2  0.000   0.000  0.000  0.000
person_name          1  0.000   0.000  0.333  0.000
phone                1  0.000   1.000      -      -

class               gold recall   prec     f1
chart_text             1  1.000  1.000  1.000
contract               0      -  0.000      -
hr_record              1  0.000      -      -
";

#[test]
fn it_agrees_with_the_scorer_of_the_corpus() {
    let score = score(&read_gold(GOLD).unwrap(), &read_predictions(PREDICTED).unwrap());
    assert_eq!(score.to_string(), TABLE);
    assert_eq!((score.gold_chars, score.leaked_chars, score.outside_chars, score.over_chars), (25, 9, 26, 8));
    assert_eq!((score.docs_with_gold, score.leaking_docs, score.traps, score.trap_hits), (2, 2, 1, 1));
    assert_eq!(score.misses.iter().map(|miss| miss.covered).collect::<Vec<_>>(), [3, 0, 0]);
    assert_eq!(score.extras.iter().map(|extra| extra.text.as_str()).collect::<Vec<_>>(), ["川崎病", "plain"]);
}

#[test]
fn bad_files_are_refused_with_their_place() {
    assert_eq!(
        read_gold("{}").err().map(|error| error.to_string()).unwrap().split(':').next(),
        Some("line 1 is no document of the corpus")
    );
    let twice = "{\"id\":\"a\"}\n\n{\"id\":\"a\"}";
    assert_eq!(read_predictions(twice).err(), Some(ScoreError::Twice { line: 3, id: "a".to_owned() }));
    let wrong = GOLD
        .replace("\"start\":3,\"end\":7,\"kind\":\"person_name\"", "\"start\":4,\"end\":8,\"kind\":\"person_name\"");
    assert_eq!(read_gold(&wrong).err(), Some(ScoreError::Offset { id: "a".to_owned(), start: 4, end: 8 }));
}
