//! The blind mark and note: how an answer shows lab values that the service has not seen (DESIGN §5).
//! `restore` writes them; here they are taken out again. Must not know: tokens.

/// Stands right after each restored value in text.
pub const MARK: char = '※';

/// Ends the last text block of each choice that shows such a value.
pub const NOTE: &str = "※この値はAIに伏せて送りました。AIは値を見ていません。評価・計算・投与量の判断には使えません。";
