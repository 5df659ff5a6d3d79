//! Western and romanised addresses: number, street, unit, town, state or postcode.
//! Must not know: Japanese script.

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
            box_: build(&format!(r"P\.?O\.? Box [0-9]{{1,6}}(?:(?:{town}){{1,2}}?{end})?"))?,
        })
    }

    pub(super) fn read(&self, text: &str) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for (regex, base) in [(&self.street, 0.45), (&self.romanised, 0.4), (&self.box_, 0.5)] {
            for found in regex.find_iter(text) {
                let written = found.as_str().trim_end_matches([' ', ',', '.']);
                if !written.bytes().any(|byte| byte.is_ascii_digit()) {
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
                let head = before(text, found.start(), 40);
                if let Some(word) = RESIDENCE.iter().find(|word| head.contains(**word)) {
                    evidence.push(Evidence::new(*word, 0.25));
                }
                if let Some(word) = PUBLIC.iter().find(|word| before(text, found.start(), 60).contains(**word)) {
                    evidence.push(Evidence::new(*word, -0.4));
                }
                places.push(Place { range: found.start()..found.start() + written.len(), evidence });
            }
        }
        places
    }
}
