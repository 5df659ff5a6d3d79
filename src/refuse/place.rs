//! Addresses as people read them: `part 2 (file)` → 「2番目のパート（file）」. Paths of JSON stay as they are.
//! Must not know: who made the address.

/// The address with the house's own words in Japanese; `messages[3].content` and names of fields stay.
pub(super) fn place_ja(address: &str) -> String {
    if address == "body" {
        return "本文".to_owned();
    }
    if let Some(number) = address.strip_prefix("path segment ") {
        return format!("URLのパスの{number}番目");
    }
    if let Some(name) = address.strip_prefix("header ") {
        return format!("ヘッダー {name}");
    }
    if let Some((name, end)) = address.rsplit_once(" (")
        && matches!(end, "key)" | "name)")
    {
        return format!("{} の項目名", place_ja(name));
    }
    if let Some(name) = address.strip_prefix('?') {
        return format!("URLの引数 {name}");
    }
    let (first, rest) = numbered(address, "part ", "番目のパート");
    let (rest, line) = match rest.rfind("line ").map(|at| rest.split_at(at)) {
        Some((before, line)) => (before.trim_end(), numbered(line, "line ", "行目")),
        None => (rest, (String::new(), "")),
    };
    let rest = match rest.trim() {
        "name" => "の名前".to_owned(),
        "filename" => "のファイル名".to_owned(),
        name => match name.strip_prefix('(').and_then(|name| name.strip_suffix(')')) {
            Some(name) => format!("（{name}）"),
            None => name.to_owned(),
        },
    };
    let (line, inside) = line;
    [first + &rest, line, inside.trim_start_matches('.').to_owned()]
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `part 2 (file)` → 「2番目のパート」 and ` (file)`; all of it where it does not begin so.
fn numbered<'a>(address: &'a str, word: &str, ja: &str) -> (String, &'a str) {
    let Some(rest) = address.strip_prefix(word) else { return (String::new(), address) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match rest.split_at_checked(digits) {
        Some((number, rest)) if !number.is_empty() => (format!("{number}{ja}"), rest),
        _ => (String::new(), address),
    }
}

#[cfg(test)]
mod tests {
    use super::place_ja;

    #[test]
    fn our_words_are_japanese_and_names_of_fields_stay() {
        for (address, shown) in [
            ("messages[3].content", "messages[3].content"),
            ("body", "本文"),
            ("path segment 3", "URLのパスの3番目"),
            ("header x-note", "ヘッダー x-note"),
            ("?note", "URLの引数 note"),
            ("?* (name)", "URLの引数 * の項目名"),
            ("tools[0].* (key)", "tools[0].* の項目名"),
            ("part 2", "2番目のパート"),
            ("part 2 (file)", "2番目のパート（file）"),
            ("part 2 name", "2番目のパートの名前"),
            ("part 12 filename", "12番目のパートのファイル名"),
            ("part 2 (file) line 7.messages[0]", "2番目のパート（file） 7行目 messages[0]"),
            ("line 7", "7行目"),
            ("line 7.messages[0].content", "7行目 messages[0].content"),
            ("part x", "part x"),
        ] {
            assert_eq!(place_ja(address), shown, "{address}");
        }
    }
}
