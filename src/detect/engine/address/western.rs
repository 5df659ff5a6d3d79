//! Western and romanised addresses: number, street, unit, town, state or postcode.
//! Must not know: Japanese script.

use std::ops::Range;

use regex::Regex;

use super::Place;
use crate::detect::engine::reading::before;
use crate::detect::finding::Evidence;
use crate::detect::rule::RuleError;

const STREETS: &str = "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Court|Ct|Way|Place|Pl|Parkway|Pkwy|Highway|Hwy|Terrace|Ter|Close|Crescent|Cres|Row|Bank|Square|Sq|Circle|Cir|Trail|Trl|Hill|Gardens|Grove|Mews|Walk|Parade|Loop|Path|Pike|Plaza|Run|Alley|Bend|Ridge";
const UNITS: &str = r"(?:#|Apt\.?|Apartment|Unit|Suite|Ste\.?|Flat|Room|room) ?#?[0-9A-Za-z-]{1,6}";
const STATES: &str = "A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[TA]|W[AVIY]|BC|ON|QC|AB|MB|SK|NS|NB";
const UK: &str = "[A-Z]{1,2}[0-9][0-9A-Z]? [0-9X][A-Z]{2}";

/// Words before an address that say that somebody lives there.
const RESIDENCE: &[&str] = &[
    "home", "lives", "live at", "living", "address", "Address", "resid", "Reply to", "moved", "house", "came to",
    "stay", "Patient", "patient", "Mrs", "DOB", "cottage", "flat", "sister", "son at", "mail", "ship",
];
/// Words around it that say that a firm or facility does.
const PUBLIC: &[&str] = &[
    "Clinic",
    "clinic",
    "Hospital",
    "hospital",
    "Surgery",
    "Medical",
    "Center",
    "Centre",
    "Inc",
    "LLC",
    "Ltd",
    "GmbH",
    "University",
    "Pharmacy",
    "Practice",
    "headquarters",
    "office",
    "venue",
    "come to",
    "Museum",
    "store",
    "school",
];

#[derive(Debug)]
pub(super) struct Western {
    street: Regex,
    romanised: Regex,
    box_: Regex,
    unit: Regex,
}

impl Western {
    pub(super) fn new() -> Result<Self, RuleError> {
        let build = |pattern: &str| {
            Regex::new(pattern)
                .map_err(|error| RuleError::at("address.western", "", 0..0, error.to_string(), "a smaller pattern"))
        };
        let town = r"(?:,? +(?:[A-Z][A-Za-z'.-]+ ?){1,3}|\n(?:[A-Z][A-Za-z'.-]+ ?){1,3})";
        let end = format!(
            r"(?:,? ?(?-u:\b)(?:{STATES})(?-u:\b)(?:,? [0-9]{{5}}(?:-[0-9]{{4}})?)?(?: [A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])?|,? ?{UK}|,? [0-9]{{5}}(?:-[0-9]{{4}})?)"
        );
        Ok(Self {
            street: build(&format!(
                r"(?:(?:The )?(?:[A-Z][a-z]+ ){{1,2}}?(?:Cottage|House|Chapel|Lodge|Farm|Barn|Villa|Manor),? )?(?:{UNITS},? )?(?-u:\b)[0-9]{{1,5}}[A-Za-z]?(?:-[0-9]{{1,4}})? (?:[NSEW]\.? |North |South |East |West )?(?:[A-Z0-9][A-Za-z0-9'.]* ){{1,4}}?(?:{STREETS})(?-u:\b)\.?(?: [NSEW]{{1,2}}(?-u:\b))?(?:,? {UNITS})?(?:(?:{town}){{1,2}}?{end}|, [A-Z][a-z]+(?:, [A-Z][a-z]+)?)?"
            ))?,
            romanised: build(
                r"(?:[0-9]{1,4}(?:-[0-9]{1,4}){1,3},? )?(?:[A-Z][a-zōū]+(?:-(?:cho|machi|dori|chome))? ?){1,2}(?:[0-9]{1,2}-chome ?[0-9-]{0,9})?(?:, (?:Apt|Room|#) ?[0-9A-Z-]{1,6})?, (?:[A-Z][a-zōū]+(?:-(?:ku|shi|gun|cho|machi|mura|son))(?:, |(?-u:\b))){1,3}(?:[A-Z][a-zōū]+(?:-(?:to|ken|fu|do))?)?(?:,? [0-9]{3}-[0-9]{4})?(?:, Japan)?",
            )?,
            unit: build(
                r"(?-u:\b)[0-9]{1,5} (?:[\p{L}0-9.'-]+ ){1,6}(?:Apt\.?|Suite|Unit) #?[0-9]{1,4}[A-Z]?(?:[ ,\n]+[\p{Lu}][\p{L}.'-]+){0,4}(?:[ ,\n]*[0-9]{4,6}(?-u:\b))?|PSC [0-9]{1,4}, Box [0-9]{1,5}[ ,\n]+[AFD]PO A[APE] [0-9]{5}",
            )?,
            box_: build(&format!(r"P\.?O\.? Box [0-9]{{1,6}}(?:(?:{town}){{1,2}}?{end})?"))?,
        })
    }

    pub(super) fn read(&self, text: &str) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        let all = |regex: &Regex| regex.find_iter(text).map(|found| found.range()).collect::<Vec<_>>();
        let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
        let when = |found: bool, regex: &Regex| if found { all(regex) } else { Vec::new() };
        let streets = self.streets(text);
        let romanised = when(romanised(text), &self.romanised);
        let boxes = when(has("Box "), &self.box_);
        let units = when(["Apt", "Suite", "Unit", "PSC "].into_iter().any(has), &self.unit);
        for (found, base) in [(streets, 0.45), (romanised, 0.4), (boxes, 0.5), (units, 0.45)] {
            for found in found {
                let Some(written) = text.get(found.clone()) else { continue };
                let written = written.trim_end_matches([' ', ',', '.']);
                if !written.bytes().any(|byte| byte.is_ascii_digit()) {
                    continue;
                }
                let inside = |place: &Place| place.range.start < found.end && found.start < place.range.end;
                if places.iter().rev().take(64).any(inside) {
                    continue;
                }
                let mut evidence = vec![Evidence::new("form", base)];
                if written.contains(',') {
                    evidence.push(Evidence::new("parts", 0.1));
                }
                if written.ends_with(|letter: char| letter.is_ascii_digit())
                    || written.contains("Apt")
                    || written.contains("Flat")
                {
                    evidence.push(Evidence::new("postcode or unit", 0.15));
                }
                let head = before(text, found.start, 40);
                if let Some(word) = RESIDENCE.iter().find(|word| head.contains(**word)) {
                    evidence.push(Evidence::new(*word, 0.25));
                }
                if let Some(word) = PUBLIC.iter().find(|word| before(text, found.start, 60).contains(**word)) {
                    evidence.push(Evidence::new(*word, -0.4));
                }
                places.push(Place { range: found.start..found.start + written.len(), evidence });
            }
        }
        places
    }

    /// Matches of the street's grammar, which is ASCII throughout: it reads the ASCII stretches that hold a number and a
    /// capital or number behind it.
    fn streets(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(blank) = memchr::memchr(b' ', bytes.get(at..).unwrap_or_default()).map(|blank| at + blank) {
            at = blank + 1;
            if !numbered(bytes, blank) {
                continue;
            }
            let ascii = |byte: &u8| byte.is_ascii();
            let start =
                blank - bytes.get(..blank).unwrap_or_default().iter().rev().take_while(|byte| ascii(byte)).count();
            let end = blank + bytes.get(blank..).unwrap_or_default().iter().take_while(|byte| ascii(byte)).count();
            let stretch = text.get(start..end).unwrap_or_default();
            found.extend(self.street.find_iter(stretch).map(|seen| start + seen.start()..start + seen.end()));
            at = end;
        }
        found
    }
}

/// A house number stands before this blank (`12`, `12b`), a capital or a number behind it.
fn numbered(bytes: &[u8], blank: usize) -> bool {
    let byte = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied().unwrap_or(0);
    let last = byte(blank.checked_sub(1));
    let number = last.is_ascii_digit() || (last.is_ascii_alphabetic() && byte(blank.checked_sub(2)).is_ascii_digit());
    let next = byte(Some(blank + 1));
    number && (next.is_ascii_uppercase() || next.is_ascii_digit())
}

/// A Japanese place is written in Roman letters: `Minato-ku`.
fn romanised(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'-', bytes).any(|at| {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        ["ku", "shi", "gun", "cho", "machi", "mura", "son"].into_iter().any(|word| rest.starts_with(word.as_bytes()))
    })
}
