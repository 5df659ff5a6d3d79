//! Codes of the record as people read them on a screen.
//! Must not know: storage.

/// A verdict (DESIGN §2).
pub(super) fn verdict(word: &str) -> &str {
    match word {
        "allowed" => "そのまま送信",
        "masked" => "置き換えて送信",
        "held" => "確認待ち（未送信）",
        "blocked" => "送信停止",
        "observed" => "試行（送信済み）",
        "tunnelled" => "検査対象外",
        "allowed_unchecked" => "未検査で送信",
        "failed" => "処理できず停止",
        "" => "（保存期間終了）",
        other => other,
    }
}

/// What became of a request.
pub(super) fn outcome(word: &str) -> &str {
    match word {
        "answered" => "回答あり",
        "cut" => "回答が途中で切れた",
        "client_gone" => "利用者側で中断",
        "refused" => "送信していない",
        "upstream_failed" => "AIサービスから回答なし",
        other => other,
    }
}

/// How surely the person is known.
pub(super) fn strength(word: &str) -> &str {
    match word {
        "authenticated" => "本人確認済み",
        "claimed" => "申告（平文の認証）",
        "shared" => "共用の利用者名",
        "network" => "ネットワークのみ",
        "anonymous" => "名前なし",
        other => other,
    }
}

/// An endpoint; most are paths of the service.
pub(super) fn endpoint(word: &str) -> &str {
    if word == "unlisted" { "一覧にない機能" } else { word }
}

/// Why it was stopped, or what was noted.
pub(super) fn reason(code: &str) -> &str {
    match code {
        "class" => "文書の種類",
        "credential" => "認証情報",
        "finding" => "規則で止める情報",
        "frozen_place" => "書き換えられない場所の情報",
        "signed_text" => "署名された文の中の情報",
        "service_not_approved" => "承認されていないAIサービス",
        "unreadable" => "検査できない内容",
        "rule" => "院内の規則",
        "challenge" => "利用者の確認が必要",
        "wrong_account" => "利用者名またはパスワードの誤り",
        "limit.body" => "本文の大きさの上限",
        "limit.body_idle" => "本文が届かない",
        "limit.buffered_total" | "overload" => "混雑",
        "limit.text" => "検査する文字の量の上限",
        "limit.fuel_per_byte" => "検出の作業量の上限",
        "body_broken" => "本文の途切れ",
        "detect_failed" => "検出の失敗",
        "mask_failed" => "置き換えの失敗",
        "record_failed" => "記録の失敗",
        "upstream_failed" => "AIサービスに接続できない",
        "endpoint_not_offered" => "対応していない機能",
        "not_an_ai_service" => "AIサービスではない",
        "unreadable_connection" => "読めない接続",
        "ehr_network" => "電子カルテ網からの接続",
        "unknown_destination" => "許可されていない宛先",
        "misdirected" => "接続と違う宛先",
        "host" => "宛先の指定の誤り",
        "upgrade" => "対応していない通信方式",
        "method" => "使えないHTTPメソッド",
        "framing" => "長さの指定の矛盾",
        "fault" => "衝立の内部の不具合",
        other => other,
    }
}
