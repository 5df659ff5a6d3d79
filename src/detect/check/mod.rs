//! Check digits and the sense of dates: named functions, called by name from rule files.
//! Must not know: where a number stands.
