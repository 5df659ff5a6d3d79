use std::io::Write as _;
use std::path::PathBuf;

use super::*;
use crate::detect::engine::list::{Class, Index};
use crate::keys::Ring;

struct Place {
    folder: tempfile::TempDir,
    keys: Keys,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), keys: Keys::of(&Ring::ephemeral(0).unwrap()) }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn table(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }

    fn change(
        &self,
        roster: &mut Roster,
        change: Change,
        bytes: &[u8],
        options: &Options,
    ) -> Result<Report, ListError> {
        import(roster, change, &self.table("table", bytes), options, &self.keys, &|_, _| {})
    }

    fn add(&self, roster: &mut Roster, text: &str) -> Report {
        self.change(roster, Change::Add, text.as_bytes(), &Options::default()).unwrap()
    }

    fn wrong(&self, bytes: &[u8], options: &Options) -> String {
        self.change(&mut Roster::default(), Change::Add, bytes, options).unwrap_err().to_string()
    }

    fn index(&self, roster: &Roster) -> Index {
        roster.write(&self.at("people.list"), &self.keys, 5).unwrap();
        load(&self.at("people.list"), &self.keys).unwrap().0
    }
}

const TABLE: &str = "患者番号,氏名,フリガナ,電話番号,生年月日\n\
                     00123456,髙橋　健一,タカハシ　ケンイチ,090-1234-5678,1960-01-02\n\
                     00123457,佐々木 さくら,ササキ サクラ,,1971-02-03\n";

fn holds_both(index: &Index) {
    for (class, key) in [
        (Class::Full, "高橋健一"),
        (Class::Full, "佐々木サクラ"),
        (Class::Kana, "タカハシケンイチ"),
        (Class::Latin, "takahasikeniti"),
        (Class::Number, "00123457"),
        (Class::Bare, "123457"),
        (Class::Phone, "09012345678"),
        (Class::Surname, "佐々木"),
    ] {
        assert!(index.holds(class, key), "{key}");
    }
    assert_eq!(index.people(), 2);
}

#[test]
fn a_table_is_the_same_in_every_form() {
    let place = Place::new();
    let (cp932, _, lossy) = encoding_rs::SHIFT_JIS.encode(TABLE);
    assert!(!lossy);
    let with_bom = [b"\xef\xbb\xbf", TABLE.as_bytes()].concat();
    let quoted = TABLE.replace("髙橋　健一", "\"髙橋　健一\"").replace('\n', "\r\n");
    let tsv = TABLE.replace(',', "\t");
    let book = workbook(&rows(TABLE));
    for bytes in [TABLE.as_bytes(), &cp932, &with_bom, quoted.as_bytes(), tsv.as_bytes(), &book] {
        let mut roster = Roster::default();
        let report = place.change(&mut roster, Change::Add, bytes, &Options::default()).unwrap();
        assert_eq!((report.rows, report.new, report.left, report.empty), (2, 2, 0, 0));
        assert_eq!(report.columns[..3], [("number", 1), ("name", 2), ("kana", 3)]);
        holds_both(&place.index(&roster));
    }
}

#[test]
fn columns_are_named_on_the_command_line_and_by_many_headings() {
    let place = Place::new();
    let options = |columns: &[&str], no_header| Options {
        columns: columns.iter().map(|&one| one.to_owned()).collect(),
        no_header,
        ..Options::default()
    };
    let mut roster = Roster::default();
    let body = TABLE.split_once('\n').unwrap().1;
    let named = options(&["number=1", "name=2", "kana=3", "phone=4"], true);
    place.change(&mut roster, Change::Add, body.as_bytes(), &named).unwrap();
    holds_both(&place.index(&roster));
    let mut roster = Roster::default();
    let odd = TABLE.replace("氏名", "どなた").replace("フリガナ", "ヨミガナ(全角)");
    let named = options(&["name=どなた", "kana=3"], false);
    place.change(&mut roster, Change::Add, odd.as_bytes(), &named).unwrap();
    holds_both(&place.index(&roster));
    let mut roster = Roster::default();
    place.add(
        &mut roster,
        "ＩＤ,姓,名,セイ,メイ,旧姓,通称名,ローマ字氏名\n\
         77001,山田,花子,ヤマダ,ハナコ,鈴木,山田 ハナ（通称）,YAMADA Hanna\n",
    );
    let index = place.index(&roster);
    for key in ["山田花子", "鈴木花子", "山田ハナ", "山田ハナコ"] {
        assert!(index.holds(Class::Full, key), "{key}");
    }
    assert!(index.holds(Class::Latin, "yamadahanna") && index.holds(Class::Latin, "yamadahanako"));
}

#[test]
fn people_are_added_changed_and_removed() {
    let place = Place::new();
    let mut roster = Roster::default();
    place.add(&mut roster, TABLE);
    // A marriage, somebody new, somebody known.
    let report = place.add(
        &mut roster,
        "患者番号,氏名,フリガナ\n123456,中村 健一,ナカムラ ケンイチ\n00123458,西 一郎,ニシ イチロウ\n00123457,佐々木 さくら,ササキ サクラ\n",
    );
    assert_eq!((report.new, report.changed, report.same), (1, 1, 1), "{report:?}");
    roster.write(&place.at("people.list"), &place.keys, 7).unwrap();
    let mut roster = Roster::read(&place.at("people.list"), &place.keys).unwrap();
    let index = place.index(&roster);
    assert!(index.holds(Class::Full, "中村健一") && !index.holds(Class::Full, "高橋健一"));
    let gone = "患者番号\n00123456\n99999999\n";
    let report = place.change(&mut roster, Change::Remove, gone.as_bytes(), &Options::default()).unwrap();
    assert_eq!((report.removed, report.absent), (1, 1));
    let index = place.index(&roster);
    assert!(!index.holds(Class::Full, "中村健一") && index.holds(Class::Full, "佐々木サクラ"));
    assert_eq!(index.people(), 2);
    let head = header(&place.at("people.list")).unwrap();
    assert_eq!((head.people, head.changed_ms, head.made_ms), (2, 5, 7));
}

#[test]
fn rows_that_stand_twice_are_one_person_with_all_forms() {
    let place = Place::new();
    let mut roster = Roster::default();
    let report = place.add(
        &mut roster,
        "ID,氏名,カナ\n1001,林 健,ハヤシ ケン\n1001,林 健,ハヤシ タケシ\n1001,林 健,ハヤシ ケン\n,林 健,\n",
    );
    assert_eq!((report.rows, report.new, report.repeated, report.without_number), (4, 2, 2, 1));
    let index = place.index(&roster);
    assert!(index.holds(Class::Kana, "ハヤシケン") && index.holds(Class::Kana, "ハヤシタケシ"));
}

#[test]
fn bad_tables_are_refused_with_place_and_cure() {
    let place = Place::new();
    let default = Options::default();
    let (mut cp932, _, _) = encoding_rs::SHIFT_JIS.encode(TABLE);
    let at = cp932.windows(2).position(|two| two == encoding_rs::SHIFT_JIS.encode("健").0.as_ref()).unwrap();
    cp932.to_mut()[at + 1] = 0x20;
    let shown = place.wrong(&cp932, &default);
    assert!(shown.contains("line 2, column 2: these bytes are no CP932") && shown.contains("--skip-broken"), "{shown}");
    let mut roster = Roster::default();
    let skip = Options { skip_broken: true, ..Options::default() };
    let report = place.change(&mut roster, Change::Add, &cp932, &skip).unwrap();
    assert_eq!((report.broken, report.new), (1, 1));
    let utf8 = Options { encoding: Encoding::Utf8, ..Options::default() };
    assert!(place.wrong(&encoding_rs::SHIFT_JIS.encode(TABLE).0, &utf8).contains("line 1"), "the headings themselves");
    let shown = place.wrong("a,b,c\n1,2,3\n".as_bytes(), &default);
    assert!(
        shown.contains("none of the 3 headings") && shown.contains("氏名") && shown.contains("--column"),
        "{shown}"
    );
    let shown = place.wrong("番号,姓\n1,山田\n".as_bytes(), &default);
    assert!(shown.contains("a column for surname and none for given"), "{shown}");
    for empty in ["", "\n \n", "患者番号,氏名\n"] {
        assert!(place.wrong(empty.as_bytes(), &default).contains("holds nothing"), "{empty:?}");
    }
    let open_quote = format!("ID,氏名\n1001,\"山田 太郎\n{}", "1002,鈴木 次郎\n".repeat(120_000));
    let shown = place.wrong(open_quote.as_bytes(), &default);
    assert!(shown.contains("line 2: a row longer than") && shown.contains("quotation mark"), "{shown}");
    let long = format!("ID,氏名\n1001,{}\n", "あ".repeat(1 << 20));
    assert!(place.wrong(long.as_bytes(), &default).contains("a row longer than"));
    let wide = format!("{}\n", "氏名,".repeat(2000));
    assert!(place.wrong(wide.as_bytes(), &default).contains("columns are more than"));
    for (column, word) in [
        ("name", "name=2"),
        ("nom=2", "a column is one of"),
        ("name=9", "there are 5 columns"),
        ("name=0", "the first column is 1"),
        ("name=どこ", "no column has this heading"),
    ] {
        let options = Options { columns: vec![column.to_owned()], ..Options::default() };
        let shown = place.wrong(TABLE.as_bytes(), &options);
        assert!(shown.contains(word), "{shown}");
    }
    assert!(place.wrong(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", &default).contains("save it as .xlsx"));
    assert!(place.wrong(b"PK\x03\x04 no archive", &default).contains("cannot be read as XLSX"));
    let sheet = Options { sheet: Some("患者".to_owned()), ..Options::default() };
    assert!(place.wrong(&workbook(&rows(TABLE)), &sheet).contains("it has 1"));
}

#[test]
fn a_workbook_that_unpacks_without_end_is_refused() {
    let place = Place::new();
    let mut bytes = Vec::new();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(&mut bytes));
    archive.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let block = vec![b' '; 1 << 20];
    for _ in 0..513 {
        archive.write_all(&block).unwrap();
    }
    archive.finish().unwrap();
    let shown = place.wrong(&bytes, &Options::default());
    assert!(shown.contains("unpacks to more than 536870912 bytes in its words"), "{shown}");
}

#[test]
fn numbers_of_a_workbook_get_their_zero_back_and_are_counted() {
    let place = Place::new();
    let sheet = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>患者番号</t></is></c><c r=\"B1\" t=\"inlineStr\"><is><t>氏名</t></is></c>\
                 <c r=\"C1\" t=\"inlineStr\"><is><t>TEL</t></is></c></row>\
                 <row r=\"3\"><c r=\"A3\"><v>123456</v></c><c r=\"B3\" t=\"inlineStr\"><is><t>中村 健一</t></is></c><c r=\"C3\"><v>9012345678</v></c></row>";
    let mut roster = Roster::default();
    let report = place.change(&mut roster, Change::Add, &workbook(sheet), &Options::default()).unwrap();
    assert_eq!((report.rows, report.numeric), (1, 1));
    let index = place.index(&roster);
    assert!(index.holds(Class::Phone, "09012345678") && index.holds(Class::Number, "123456"));
}

#[test]
fn a_list_is_taken_only_whole_with_its_own_key_and_closed_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let mut roster = Roster::default();
    place.add(&mut roster, TABLE);
    let path = place.at("people.list");
    roster.write(&path, &place.keys, 5).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let other = Keys::of(&Ring::ephemeral(0).unwrap());
    assert!(matches!(load(&path, &other), Err(ListError::Key { .. })));
    let whole = std::fs::read(&path).unwrap();
    // Every byte counts, and every length.
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        assert!(load(&path, &place.keys).is_err(), "byte {at}");
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(load(&path, &place.keys).is_err(), "cut at {at}");
    }
    std::fs::write(&path, [whole.as_slice(), b"x"].concat()).unwrap();
    assert!(matches!(load(&path, &place.keys), Err(ListError::Damaged { .. })));
    std::fs::write(&path, &whole).unwrap();
    load(&path, &place.keys).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(load(&path, &place.keys), Err(ListError::Mode { mode: 0o644, .. })));
}

#[test]
fn no_name_is_in_the_file_in_debug_in_reports_or_in_errors() {
    let place = Place::new();
    let mut roster = Roster::default();
    let report = place.add(&mut roster, TABLE);
    roster.write(&place.at("people.list"), &place.keys, 5).unwrap();
    let index = place.index(&roster);
    let mut said =
        format!("{roster:?}{index:?}{report:?}{:?}{:?}", place.keys, header(&place.at("people.list")).unwrap())
            .into_bytes();
    said.extend(std::fs::read(place.at("people.list")).unwrap());
    // A table without headings: its first person is no heading to be shown.
    let body = TABLE.split_once('\n').unwrap().1;
    said.extend(place.wrong(body.as_bytes(), &Options::default()).into_bytes());
    let broken = [TABLE.as_bytes(), b"00123458,\xe9\xff\xff,x,,\n"].concat();
    said.extend(place.wrong(&broken, &Options { encoding: Encoding::Utf8, ..Options::default() }).into_bytes());
    for word in [
        "高橋",
        "髙橋",
        "健一",
        "タカハシ",
        "佐々木",
        "さくら",
        "takahasi",
        "keniti",
        "00123456",
        "123456",
        "09012345678",
        "090-1234",
    ] {
        for bytes in [word.as_bytes().to_vec(), encoding_rs::SHIFT_JIS.encode(word).0.into_owned()] {
            assert!(!said.windows(bytes.len()).any(|window| window == bytes), "{word}");
        }
    }
    // The same table under another ring has no tag in common.
    let other = Place::new();
    let mut again = Roster::default();
    other.add(&mut again, TABLE);
    again.write(&other.at("people.list"), &other.keys, 5).unwrap();
    let (one, two) = (std::fs::read(place.at("people.list")).unwrap(), std::fs::read(other.at("people.list")).unwrap());
    let body = |bytes: &[u8]| bytes[bytes.len() - 64..bytes.len() - 32].to_vec();
    assert_ne!(body(&one), body(&two));
}

/// Rows of a sheet with the words of a comma-separated table.
fn rows(table: &str) -> String {
    table
        .lines()
        .enumerate()
        .map(|(row, line)| {
            let cells: String = line
                .split(',')
                .enumerate()
                .map(|(column, word)| {
                    let place = format!("{}{}", char::from(b'A' + column as u8), row + 1);
                    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{word}</t></is></c>")
                })
                .collect();
            format!("<row r=\"{}\">{cells}</row>", row + 1)
        })
        .collect()
}

/// A workbook of one sheet.
fn workbook(rows: &str) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    let mut bytes = Vec::new();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(&mut bytes));
    for (name, text) in [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"Sheet1\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>")),
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    bytes
}
