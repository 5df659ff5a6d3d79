"""Invented hospital lines with labelled names, for fitting the names engine (never for judging).

Usage: generate.py PATTERNS_NAMES OUT.jsonl COUNT [SEED]   (PATTERNS_NAMES: the folder with the lexicons)
All people are put together at random from the lexicons; a rerun with the same seed gives the same bytes."""
import json
import random
import re
import sys
import unicodedata

rnd = random.Random(7)
T = """
{D} {DEP}　{F}　ID {N}
患者氏名：{F}　様　{AGE}歳 {SEX}
氏名 {F}（{KF}） {SEX} 生年月日 S{Y}.3.4
フリガナ {KF}
ﾌﾘｶﾞﾅ　{HKF}
{F}様 {AGE}歳 {SEX}性　主訴：腹痛
{S}様より電話あり。明日の予約を変更希望。
{S}さん、昨夜は不眠。{S2}Nsより申し送り。
主治医：{S}　担当看護師：{S2}
主治医 {F}　研修医 {F2}
担当医　{S}
記録者：{S}
記載 {S2}
{S}Dr指示にて点滴更新。
{S}Drコール、{S2}Dr来棟。
{S}先生 御侍史
{DEP}　{F} 先生　御机下
いつもお世話になっております。{DEP}の{S}です。
{S}医師より病状説明。妻（{G}さん）同席。
長男 {F}（080-1234-5678）キーパーソン
家族：妻({G}) 長女({G2})
家族構成：夫 {G}、長男 {G2}くん
夫の{G}さんに電話連絡済。
{G}ちゃん（{AGE}ヶ月）母同伴で来院。
母：{F}　父：{F2}
・{S}さん…食事8割
・{R}号 {S}さん…{S2}さんとトラブルあり
{R} {F} 様 転倒リスク高
術者：{S}／助手：{S2}／麻酔：{S3}
術者 {S}、第一助手 {S2}、器械出し {S3}
執刀 {S}　麻酔科 {S2}
出席者：{S}、{S2}、{S3}（欠席：{S4}）
出席：院長 {S}、看護部長 {S2}、事務長 {S3}、薬剤部 {S4}
{S}部長　{S2}師長　{S3}主任
{S}課長からの指示で{S2}主任が対応した。
議事録作成：{F}
お疲れ様です、{S}です。{S2}さんの件、確認しました。
{S}様\n\n平素より大変お世話になっております。株式会社メディカルの{S2}でございます。
読影医：{F}　確認：{S}
診断医 {F}
CM：{S}（居宅）、訪看：{S2}、PT {S3}
リハ担当 PT{S} OT{S2}
診察券 {N}　{KF}　{SEX}　{AGE}
{HKF}　{AGE}Y M
紹介元：{S3}内科クリニック {F} 先生
{F}（旧姓 {S2}）
同意者：{F}（続柄 妻）
保証人　{F}　印
被保険者氏名　{F}
PID|1||{N}||{S}^{G}^^^^^L||19{Y}0101|F
{F}\t{KF}\t{SEX}\t{N}
{S}　{G}\t{AGE}\t{DEP}
No,氏名,年齢\n1,{F},{AGE}\n2,{F2},{AGE}\n3,{F3},{AGE}
{F}、{F2}、{F3}の3名が異動対象。
{F}は当院を退職予定である。
{S}の評価はA、{S2}の評価はBとした。
{S}が確認し、{S2}へ引き継いだ。
夜勤 {S}、{S2}
{S}→{S2} 申し送り済
当直：{S}（内科）、{S2}（外科）
{FOR}さん（{AGE}歳）通訳同伴。
{FOR} 様　国籍ベトナム
患者 {FOR}
{HS}さん　リハ拒否
{HS} {HG} さん
{KS}さん 食事介助
{HKS}様 インスリン
{HKF2}　義歯不適合
{RS} {RG}様
Patient: {RG} {RS}
患者名: {RS} {RG}
Dr. {RS} と共有済み
Pt: {EG} {ES}, 72M, MRN {N}
Patient name: {ES}, {EG}
Mr. {ES} was seen by Dr. {ES2}.
Attending: {EG} {ES}, MD
His wife {EG} was at bedside.
{EG} {ES} presented with chest pain.
Dear Dr. {ES},
Signed by {EI}. {ES}, MD
{INI}さん　{AGE}歳　男性
症例：{INI}、{AGE}歳
症例 {INI} {AGE}歳 {SEX}性
患者イニシャル {INI}
{INI}（{AGE}歳{SEX}児、中学生）
個別事例の相談：{INI}（{AGE}歳）
/ {INI} / {AGE}{SEX} /
Patient {INI}, {AGE}-year-old
Mrs. {EM} is a {AGE}-year-old
Mr {EM} was seen today.
Nurse {EM} called. Son {EM2} at bedside.
Wife ({EM}) rang about discharge.
{EM} {ES}, 44M, here for follow up.
訪看 {S}、居宅 {S2}、福祉用具 {S3}
看護師{S}に確認したところ
主治医の{S}が不在のため
薬剤部{S}が確認
院長{S}は了承した。
{S}医師の後任は未定。
{S} {G}　{AGE}M 右突発性難聴
{F} {AGE}歳　SC
利用者名 {F} 様
医師 {F}
対象児 {F}（平成31年2月生）
{S}氏に確認。
{S} {G1}様
故 {F} 殿
{S}・{S2}両名で確認
発言者{S}：予算は了承。
{S}「明日までに提出します」
上司の{S}さんに相談
From: {F} <x@example.jp>
To: {S}様
署名：{F}
教育担当 {S}
出席：{S}、{S2}、{S3}、{S4}
出席者　{S}・{S2}・{S3}
{S}Dr、{S2}Dr、{S3}Nsで対応
通訳 {F}さん同席
児相 {S} 宛
大家の{S}氏より通報
賃貸人 {F}（以下「甲」という）
口座名義 {KF}
弁護士 {F}
警部補 {S}
委員 {S}、外部委員 {S2}
三者面談：{F}、担任の{S2}先生
投稿者は{S}PTと思われる。
{S}→{S2}→{S3}の順に申し送り
{S}クリニックの{S2}先生より紹介。
{S}病院　{S2}医師
{S}整形外科 {F}先生　御侍史
{S} {HKG}
{HS} {HKG}様
{S}{HG}さん
娘 {KG}さんより電話
孫の{HG}ちゃん
母（{G}）同席
姉の{G}へ連絡
命名：{G}
{F}
{S}
{F}、{F2}
{F} {AGE}歳 {SEX}　{DEP}
{S}	{S2}	{S3}	日	夜	明
{S}	年	休	日	夜
{PS}さんより連絡
{PS} {G}様
{PS}師長に報告
担当 {PS}
記録 {PS}
{PS}Dr指示
Pt {ES}, {EG}. Discussed with Dr. {ES2}.
{EG} {ES} <{N}@example.com>
"name": "{RS} {RG}"
"display":"{F}"
({N}, '{F}', '{KF}', '1950-01-01')
{N},{F},{KF},F
{N},{RS} {RG},M
{HKS}
検者 {S}　{S2}
{ROLE}{S}{HON}
{ROLE} {S}{HON}
{ROLE}　{S}
→{ROLE}{S}{HON}に照会
{ROLE}の{S}{HON}へ
{ROLE}{S}より連絡
祝日は{ROLE}{S}先生です
（{ROLE}{S}{HON}）
{S2}、{ROLE} {S}{HON}と相談
{S2} → {ROLE} {S}{HON}
{ROLE}{G}{FHON}
{ROLE}の{G}{FHON}が面会
（{ROLE} {G}{FHON}）
{ROLE} {F}{HON}
{ROLE} {SYL}{HON}
{ROLE}の{SYL}さんに電話
{SYL}さんへ
{SYL}先生
（{KAT} {S}様）
{KAT} {S}{HON}より見積
{KAT}の{S}{HON}
{KAT}{S}様
{ROLE}は{S}
""".strip("\n").split("\n")
NEG = """
川崎病の既往あり。橋本病でチラーヂン内服中。
パーキンソン病、アルツハイマー型認知症。
バセドウ病術後。クローン病疑い。メニエール病の診断。
グラム染色で陽性球菌。ギムザ染色、パパニコロウ染色。
{P}市立病院へ転院。{P}駅前のクリニックを受診。
{P}県{P2}市在住。{P}町から通院。
{SF}病院へ紹介。{SF}クリニックより紹介状持参。
{SF}医院、{SF}内科、{SF}薬局
株式会社{SF}製作所　{SF}商事との契約書
患者様用トイレ。お客様相談窓口。ご家族様へ説明。
看護師さんに伝えた。先生から説明。主治医より説明あり。
奥様、息子さん、娘さん同席。ご主人様へ電話。
高血圧 糖尿病 脂質異常症の既往。
原因不明の発熱。森林浴。林業従事。東側の病室。南病棟。
西3病棟　東5階　中央検査部　北棟
平均値、正常範囲内。本人希望なし。希望あり。
幸い症状は軽快。光視症あり。愛情。明日再診。
血圧 高め 安定 清拭 実施
内服 継続 退院 調整 中
心臓 血管 外科 、消化器 内科
アセトアミノフェン カロナール ロキソニン アムロジピン ワーファリン
インスリン ノボラピッド ランタス メトホルミン リスパダール
サマリー カンファレンス リハビリ オペ レントゲン
バイタルサイン測定。ケアプラン作成。ショートステイ利用。
さくら病棟 ひまわり号室 すみれ苑 のぞみの里
Parkinson disease, Crohn disease, Hodgkin lymphoma
Foley catheter, Swan-Ganz, Glasgow Coma Scale, Murphy sign
Take Tylenol twice daily. Blood Pressure stable. Chest X-ray normal.
General Hospital, Department of Internal Medicine
Please Review. Thank You. Best Regards. New York, Los Angeles
令和5年4月1日 平成30年 昭和45年
田中角栄記念館 {SF}記念病院 {SF}大学医学部附属病院
山田線 高橋病院前 中山道 石川県立中央病院
上下肢 左右差 内外反 大小 前後
日	夜	明	休	日	遅	早	年
CRP WBC BUN Cr AST ALT LDH
CBC, AMY, CRP, BUN, Na, K
INSERT INTO patients (id, name) VALUES (1, 2);
SELECT * FROM wards WHERE id = 3
Authorization: Bearer TOKEN
Discharge Summary  Chief Complaint  Past Medical History
{PUB}の生涯について教えて。
{PUB}は何をした人ですか。{PUB}の業績を要約して。
{PUB}記念館を見学した。
『{PUB}』を読んだ。
{SF}製薬の{SF}錠。{SF}化学工業、{SF}電機
{SF}整形外科、{SF}こどもクリニック、{SF}総合病院
{SF}通り、{SF}橋、{SF}駅、{SF}公園前バス停
{SF}訪問看護ステーション　{SF}調剤薬局
ボバース法 モロー反射 バビンスキー反射 コッヘル鉗子 ペアン マッキントッシュ
キイトルーダ オプジーボ アバスチン タリージェ リリカ カロナール
ガーゼ交換 ドレーン抜去 バルーン留置 ストレッチャー移送
第一 第二 第三 一部 二次 三次 四肢 五感 六君子湯 七分
{ROLE}さんに確認。{ROLE}より連絡あり。
{ROLE}先生と相談。{ROLE}様へ。
→{ROLE}に照会。{ROLE} 不在。
{ROLE}の{ROLE}さんへ連絡。
{KAT} 様式 {KAT}さん
（{KAT} 担当者様）{KAT} 御中
{ROLE}{ROLE}へ報告
{KAT}の先生 {KAT} 先生方
皆様へ。お子様連れの方。お客様各位。患者様、ご家族様、保護者様。
奥様、お子様、皆様、お客様へ。奥さん、お孫さん、親御さん、旦那さん、娘さん、息子さん。
業者様 関係者各位 担当者様 会員様 利用者様 入居者様 お嬢様 若様 殿様 神様
{SF}組の現場事務所。{SF}建設、{SF}工務店、{SF}組の担当者。
{SF}組 {SF}興業 {SF}不動産 {SF}運輸 {SF}薬品 {SF}医科器械
""".strip("\n").split("\n")


# Words for what people are to a hospital, which stand before a name with or without a gap.
ROLES = """主治医 担当医 執刀医 当直医 代診 校医 産業医 嘱託医 前医 家庭医 当直 日直 外来 病棟 総務 医事 経理 人事 用度 施設課 薬局 栄養科 検査科 放射線科 師長 主任 副院長 病院長 理事
看護師 准看護師 助産師 保健師 訪看 訪問看護 ケアマネ ケアマネジャー 相談員 民生委員 後見人 保佐人 ヘルパー 生活相談員 施設長 介護士 通訳 業者 営業 担当 派遣元 派遣 委託先 書記 議長 委員長 司会 弁護士 税理士
社労士 保健所 市役所 区役所 包括 児相 警察 消防 救急隊 学校 担任 養護教諭 園長 会社 上司 同僚 友人 知人 隣人 大家 妻 夫 父 母 義母 義父 長男 長女 次男 次女 三男 三女 兄 姉 弟 妹 叔父 叔母 伯父 伯母
祖父 祖母 孫 甥 姪 嫁 婿 内縁の妻 同居人 婚約者 患児 児 兄弟 双子 ICN MSW PT OT ST CE MA NS Dr DA PSW""".split()
HONORIFICS = "様 さん さん さん 氏 殿 先生 先生 医師 Dr Ns 主任 師長 課長".split()
FAMILIAR = "さん さん くん 君 ちゃん 様 姉さん 兄さん じい ばあ 坊".split()


def kata_half(s):
    import unicodedata
    full = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォャュョッー"
    half = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｬｭｮｯｰ"
    m = dict(zip(full, half))
    out = ""
    for c in s:
        d = unicodedata.normalize("NFD", c)
        out += m.get(d[0], d[0]) + ("ﾞ" if "\u3099" in d else "ﾟ" if "\u309a" in d else "")
    return out


ROMA = {}
for row, cons in (("アイウエオ", ""), ("カキクケコ", "k"), ("サシスセソ", "s"), ("タチツテト", "t"), ("ナニヌネノ", "n"), ("ハヒフヘホ", "h"),
                  ("マミムメモ", "m"), ("ラリルレロ", "r"), ("ガギグゲゴ", "g"), ("ザジズゼゾ", "z"), ("ダヂヅデド", "d"), ("バビブベボ", "b"), ("パピプペポ", "p")):
    for c, v in zip(row, "aiueo"):
        ROMA[c] = cons + v
ROMA.update({"ヤ": "ya", "ユ": "yu", "ヨ": "yo", "ワ": "wa", "ヲ": "o", "ン": "n", "シ": "shi", "チ": "chi", "ツ": "tsu", "フ": "fu", "ジ": "ji", "ヂ": "ji", "ヅ": "zu", "ー": "", "ヴ": "v"})


def romaji(reading):
    out = ""
    for i, c in enumerate(reading):
        if c in "ャュョ" and out.endswith("i"):
            v = {"ャ": "a", "ュ": "u", "ョ": "o"}[c]
            out = out[:-1] + (v if out.endswith(("shi", "chi", "ji")) else "y" + v)
        elif c == "ッ":
            nxt = ROMA.get(reading[i + 1:i + 2], "")
            out += nxt[:1]
        else:
            out += ROMA.get(c, "")
    return loose(out)


def loose(s):
    """One key for Hepburn, Kunrei and long-vowel spellings."""
    s = s.lower()
    s = unicodedata.normalize("NFD", s)
    s = "".join(c for c in s if not unicodedata.combining(c)).replace("'", "").replace("-", "")
    for a, b in (("sya", "sha"), ("syu", "shu"), ("syo", "sho"), ("tya", "cha"), ("tyu", "chu"), ("tyo", "cho"), ("zya", "ja"), ("zyu", "ju"), ("zyo", "jo"),
                 ("jya", "ja"), ("jyu", "ju"), ("jyo", "jo")):
        s = s.replace(a, b)
    s = re.sub(r"(?<![sc])hu", "fu", s)
    s = re.sub(r"si", "shi", s)
    s = re.sub(r"ti", "chi", s)
    s = re.sub(r"tu", "tsu", s)
    s = re.sub(r"zi", "ji", s)
    s = re.sub(r"m(?=[bp])", "n", s)
    s = re.sub(r"oh(?=[^aiueoy]|$)", "o", s)
    s = re.sub(r"ou|oo", "o", s)
    s = re.sub(r"uu", "u", s)
    return s


LEFT = """患者|患者 |患者：|氏名：|氏名 |氏名　|患者名 |・501 |・502 |担当 |担当：|主治医 |主治医:|Dr|Dr |PT |PT|OT|ST |CM |妻(|妻 |夫 |夫：|夫の|娘の|長男 |長女 |次男|母：|父 |母:|姉 |弟・|（|(|→|、|／|/|① |② |1. |記録：|記録 |報告者　|Pt: |pt |診断医 |読影：|術者 |執刀 |助手 |麻酔科 |確認：|署名 |承認 |起案者 |作成 |
|
|
|
|
|　| |「|上司の|同僚の|担当の|当直 |夜勤 |日勤 |出席：|参加：|欠席 |司会 |故 |旧姓 |保証人 |続柄 |連絡先 |KP |KP：|キーパーソン：|紹介元 |依頼 |依頼医 |通訳：|申請者 |申請者　|被保険者 |世帯主 |記入者 |代理人 |保護者 |家族：|本人（|内科の|薬剤部 |薬剤部の|医事課 |事務 |院長 |看護師長 |代表取締役 |株式会社メディカ |弁護士 |さっき|昨日、|今朝は|先日|また|その後|To: |From: |Re: |CC |@""".split("|")
RIGHT = """ 様|様|様の|さん|さんが|さんは|さんに|さん、|氏|氏は| 殿|殿|Dr|Drに|Dr コール|Ns|Nsより|先生|先生へ|先生に相談|医師|医師に|看護師|技師|薬剤師|師長|部長|課長が|主任|くん|ちゃん|君|）|)|） |(| 92歳| 68M| 55F|　78歳 男性| (72)|　ID 0012345| ID:8812|
|
|
|
|
|
|、|、|/|／|→|が|は|に|へ|と|より|の|を|から|に連絡|へ報告|と相談|が確認|が対応|も参加| 男| 女| M| F| 記|　印| 御机下| 先生 侍史|」|：|: |「|。|です。|と申します。|でございます。|ベビー|本人|ほか|ら|宅|夫妻|両名|\t|,""".split("|")
NEGNOUN = """異常なし 内科 外科 本人 同居 死別 独居 健在 他界 不明 検査 採血 点滴 食事 入浴 退院 入院 外来 病棟 手術 麻酔 説明 同意 確認 報告 指示 処方 内服 継続 中止 変更 予約 検討 発熱 頭痛 腹痛 嘔気 嘔吐 下痢 便秘 咳嗽 喀痰 浮腫 湿疹 発疹 疼痛 希望 安静 歩行 座位 車椅子 自立 全介助 一部介助 軽度 中等度 重度 良好 不良 正常 陰性 陽性 白血球 血小板 血糖 血圧 脈拍 体温 体重 身長 意識 清明 傾眠 高血圧 糖尿病 肺炎 心不全 脳梗塞 認知症 骨折 転倒 褥瘡 家族 妻 夫 長男 長女 母 父 看護師 医師 薬剤師 主治医 担当 師長 事務 会議 議題 資料 予算 契約 監査 評価 面談 研修 人事 異動 休職 退職 採用 給与 左右 上肢 下肢 右側 左側 前回 今回 次回 午前 午後 夜間 日中 早朝 翌日 当日 毎日 食後 食前 眠前 原因 大腸 小腸 胃 肝臓 腎臓 平均 合計 東側 西側 南側 北側 公平 安全 正確 清潔 真実 健康 幸福 光 愛 希望 未来 誠意 泉 森 林 原 東 西 南 北 中央 本院 当院 他院 貴院 前医 紹介 逆紹介 返書 添付 書類 記入 記載 署名 印鑑 電話 携帯 自宅 職場 学校 施設 老健 特養 訪問 通所 リハビリ カンファレンス サマリー オーダー カルテ レントゲン エコー カテーテル インスリン ステロイド ワクチン アルブミン ヘモグロビン クレアチニン ロキソニン カロナール メトホルミン ニボルマブ アムロジピン 市内 県内 区役所 市役所 保健所 年前 ヶ月前 週間 日目 以前 以後 方法 結果 考察 目的 症例 所見 診断 治療 経過 予後 再発 転移 良性 悪性 腫瘍 癌 結節 嚢胞 石灰化 狭窄 閉塞""".split()


def frame(name, noun, place):
    """One line: a left context, a name or an ordinary word, a right context."""
    out = []
    for _ in range(rnd.choice([1, 1, 1, 2, 3])):
        out.append((rnd.choice(LEFT), False))
        x = rnd.random()
        if x < 0.55:
            out.append((name(), True))
        elif x < 0.9:
            out.append((noun(), False))
        else:
            out.append((place() + rnd.choice(["市", "町", "駅", "病院", "医院", "クリニック", "市民病院", "大学", "", "県", "区"]), False))
        out.append((rnd.choice(RIGHT).replace("\\t", "\t"), False))
    return out


def main(lex, out, count):
    def lines(name):
        return [x.rstrip("\n").split("\t") for x in open(f"{lex}/{name}", encoding="utf-8") if not x.startswith("#")]

    sur = [(r[0], int(r[1]), r[2]) for r in lines("surname_heads.tsv")]
    tail, places, giv, nouns, public = [], [], [], [], []
    reads = {"S": [], "G": []}
    for w, marks in lines("japanese.tsv"):
        kinds = set(re.sub("[0-9u]", "", marks))
        if "S" in kinds and 2 <= len(w) <= 4 and not kinds & set("NVF"):
            tail.append(w)
        if kinds == {"L"} and len(w) in (2, 3):
            places.append(w)
        if "G" in kinds and not kinds & set("LNOV") and 1 <= len(w) <= 4 and re.search("G[3-9u]", marks):
            giv.append(w)
        if "N" in kinds and not kinds & set("SGPsg") and 2 <= len(w) <= 6:
            nouns.append(w)
        if kinds == {"P"} and len(w) >= 4:
            public.append(w)
        if "s" in kinds and not re.search("s0", marks):
            reads["S"].append(w)
        if "g" in kinds and not re.search("g[0]", marks):
            reads["G"].append(w)
    more = [w for w, in lines("given_more.tsv")]
    giv += more
    giv = [(w, w if re.fullmatch("[ぁ-ゔァ-ヴー]+", w) else rnd.choice(reads["G"])) for w in giv]
    census = {"S": [], "G": []}
    faker = {"S": [], "G": []}
    for w, marks in lines("latin.tsv"):
        if re.search("s[01]", marks):
            census["S"].append(w.capitalize())
        if "g" in marks:
            census["G"].append(w.capitalize())
        if "L" in marks and len(w) > 2:
            faker["S"].append(w.title())
        if "F" in marks and len(w) > 2:
            faker["G"].append(w.title())
    eng = census
    weights = [h ** 0.6 for _, h, _ in sur]

    def kata(s):
        return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in s)

    known = {w for w, _ in lines("japanese.tsv")}

    def made_up(words, least):
        """A name that no list holds: the head of one and the end of another."""
        while True:
            w = rnd.choice(words)[:1] + rnd.choice(words)[-1:]
            if rnd.random() < 0.2:
                w = rnd.choice(words)[:1] + rnd.choice(words)[-2:]
            if len(w) >= least and w not in known and re.fullmatch("[一-鿿々]+", w):
                return w

    katakana = [w for w in nouns if re.fullmatch("[ァ-ヴー]{3,9}", w)]
    kanji_given = [w for w, _ in giv if re.fullmatch("[一-鿿々]{2,3}", w)]

    def given():
        if rnd.random() < 0.12:
            return made_up(kanji_given, 2), rnd.choice(reads["G"])
        return rnd.choice(giv)

    def syllables(least, most):
        out = "".join(rnd.choice("アイウエオカキクケコサシスセソタチツテトナニネノハヒフヘマミムメモヤユラリルレロワガギグゲゴザジズダデドバビブベボパピプペポ") + rnd.choice(["", "", "", "ー", "ン", "ッ"])
                      for _ in range(rnd.randint(least, most)))
        return out.rstrip("ッ")

    def latin_made_up(words):
        a, b = rnd.choice(words), rnd.choice(words).lower()
        w = a[:max(2, len(a) // 2 + 1)] + b[len(b) // 2:]
        return w + ("-" + rnd.choice(words) if rnd.random() < 0.08 else "")

    def hangul():
        return rnd.choice("김이박최정강조윤장임한") + "".join(rnd.choice("지민수현우영진서연준하은혜성태") for _ in range(2))

    def surname():
        x = rnd.random()
        if x < 0.07:
            return made_up(tail, 2), None
        if x < 0.11:
            return rnd.choice(places), None
        if x < 0.33:
            return rnd.choice(tail), None
        s = rnd.choices(sur, weights)[0]
        return s[0], s[2]

    foreign = "マイケル ジョン グエン ティ ヴァン ラン マリア サントス ホセ アンナ チャン リー キム アリ カーン シャルマ ラム バハドゥル デラクルス ロドリゲス フェルナンド ソフィア ダニエル イヴァノフ ミン アウン スー トゥン ハッサン オマール".split()
    viet = "Nguyen Tran Le Pham Thi Van Hong Lan Minh Duc Anh Linh Wang Li Zhang Chen Liu Mei Hua Xin Jia Kim Park Lee Min Ji Woo Santos Dela Cruz Maria Jose Reyes Sharma Thapa Bahadur Khan Ahmad Ali Mohammed Aung Thant Silva Pereira Ivanov Anna Piotr Sofia Garcia Lopez".split()
    def name():
        s = surname()
        g = given()
        sr = kata(s[1]) if s[1] else kata(rnd.choices(sur, weights)[0][2])
        gr = kata(g[1])
        hira = lambda x: "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in x)
        sep = rnd.choice(["", "", " ", "　", " ", "　", "^"] if rnd.random() < 0.4 else ["", "", " ", "　"])
        x = rnd.random()
        if x < 0.30:
            return s[0] + sep + g[0]
        if x < 0.36:
            return s[0] + sep + gr
        if x < 0.40:
            return s[0] + rnd.choice(["", " "]) + kata_half(gr)
        if x < 0.60:
            return s[0]
        if x < 0.67:
            return g[0]
        if x < 0.71:
            return sr + rnd.choice([" ", "　", " ", "", "^"]) + gr
        if x < 0.75:
            return kata_half(sr) + rnd.choice([" ", "　", " ", "", "^"]) + kata_half(gr)
        if x < 0.78:
            return rnd.choice([sr, gr, kata_half(sr), kata_half(gr)])
        if x < 0.82:
            return hira(rnd.choice([sr, gr]))
        if x < 0.84:
            return hira(sr) + rnd.choice([" ", "　", ""]) + hira(gr)
        if rnd.random() < 0.03:
            return rnd.choice([syllables(2, 4) + " " + s[0], s[0] + " " + rnd.choice(census["G"]), hangul(), syllables(2, 4), syllables(2, 4) + "・" + syllables(2, 4),
                               syllables(2, 4) + " " + syllables(2, 4), kata_half(syllables(2, 4)), " ".join(s[0]) if len(s[0]) == 2 else s[0]])
        if x < 0.86:
            return rnd.choice("ABFHIKMNOSTWYＫＭＳＴ") + rnd.choice(".・．") + rnd.choice("ABFHIKMNOSTWYＫＭＳＴ") + rnd.choice(["", "."])
        if x < 0.89:
            return "・".join(rnd.sample(foreign, rnd.choice([2, 2, 3])))
        if x < 0.90:
            return " ".join((s[0] + g[0])[:5])
        if x < 0.93:
            a, b = romaji(sr).capitalize() or "Sato", romaji(gr).capitalize() or "Ken"
            return rnd.choice([a + " " + b, b + " " + a, a.upper() + " " + b, b + " " + a.upper(), (a + " " + b).upper(), a, b[:1] + ". " + a, a + ", " + b])
        a, b = rnd.choice(eng["S"]), rnd.choice(eng["G"])
        if x < 0.97:
            return rnd.choice([b + " " + a, a + ", " + b, a, b, b[:1] + ". " + a, b + " " + rnd.choice("ABCDEJKLMR") + ". " + a, (a + ", " + b).upper()])
        v = " ".join(rnd.sample(viet, rnd.choice([2, 2, 3])))
        return rnd.choice([v, v.upper()])

    words = [w for w, in lines("english.txt")]
    fk = faker
    EL = """|
|
|Dr. |Dr |Mr. |Mrs. |Ms. |Patient: |Patient |Pt: |Name: |Patient Name: |Attending: |Surgeon: |RN |Nurse |her son |his wife |wife |husband |daughter |spouse |Dear |Hi |Hello |From: |To: |cc: |signed by |seen by |discussed with |per |by |with |and |, |(|The patient, |My name is |I spoke to |Regards,\\n|Sincerely,\\n|- |Re: |called |Mom |Dad |Contact: |Emergency contact: |PCP: |to |for |of |from |Author: |Reviewer: |@""".split("|")
    ER = """|
|
| |, |. |, MD|, RN|, DOB 1/2/1950|, 72M| is a 45-year-old| was seen| presented| reports| denies| said| will| has| and| (wife)| (daughter)|) |)|: |'s | at | from | lives| called| on | in | to | MRN 00123| <x@example.com>|; |/| - | who | asked| with """.split("|")

    def english_name():
        x = rnd.random()
        src = (eng["S"], eng["G"]) if x < 0.5 else (fk["S"], fk["G"])
        a, b = rnd.choice(src[0]), rnd.choice(src[1])
        if rnd.random() < 0.2:
            a, b = (latin_made_up(src[0]), b) if rnd.random() < 0.6 else (latin_made_up(src[0]), latin_made_up(src[1]))
        y = rnd.random()
        if y < 0.4:
            return b + " " + a
        if y < 0.55:
            return a
        if y < 0.72:
            return b
        if y < 0.8:
            return rnd.choice([a + ", " + b, (a + ", " + b).upper(), a + ", " + b + " " + rnd.choice("ABCDEJKLMR") + "."])
        if y < 0.88:
            return b[:1] + ". " + a
        if y < 0.95:
            return b + " " + rnd.choice("ABCDEJKLMR") + ". " + a
        return b + " " + rnd.choice(["van der", "de la", "von", "bin", "de", "van"]) + " " + a

    def english_noun():
        k = rnd.random()
        n = rnd.choice([1, 1, 1, 2, 3])
        w = " ".join(rnd.choice(words) for _ in range(n))
        return w.title() if k < 0.4 else w.upper() if k < 0.55 else w

    def english_line():
        out = []
        for _ in range(rnd.choice([1, 1, 2])):
            out.append((rnd.choice(EL).replace("\\n", "\n"), False))
            if rnd.random() < 0.5:
                out.append((english_name(), True))
            else:
                out.append((english_noun(), False))
            out.append((rnd.choice(ER) + rnd.choice(["", " ".join(rnd.choice(words) for _ in range(rnd.randint(1, 5)))]), False))
        return out

    def hl7_line():
        s, g = surname(), given()
        x = rnd.random()
        if x < 0.5:
            n = s[0] + "^" + g[0]
        elif x < 0.75:
            n = kata(s[1] or "さとう") + "^" + kata(g[1])
        else:
            n = rnd.choice([str.upper, str.title])(rnd.choice(fk["S"]) + "^" + rnd.choice(fk["G"]))
        bad = rnd.choice(nouns) + "^" + rnd.choice(nouns)
        return rnd.choice([[("PID|1||", False), (str(rnd.randint(1000, 99999)), False), ("||", False), (n, True), ("^^^^^L^I||1950", False)],
                           [("PV1|1|I|", False), (bad, False), ("|||", False), ("D12^" if rnd.random() < 0 else "|", False), (n, True), ("^^^^", False)],
                           [("OBX|1|NM|", False), (bad, False), ("|1|7.2", False)], [("|", False), (bad, False), ("|", False)]])

    def noun():
        return rnd.choice(NEGNOUN) if rnd.random() < 0.5 else rnd.choice(nouns)

    rows = []
    for n in range(count // 2):
        text, spans = "", []
        for _ in range(rnd.randint(2, 6)):
            y = rnd.random()
            for piece, is_name in english_line() if y < 0.25 else hl7_line() if y < 0.28 else frame(name, noun, lambda: rnd.choice(places) if rnd.random() < 0.5 else surname()[0]):
                if is_name and text[-1:].isascii() and text[-1:].isalnum() and piece[:1].isascii():
                    text += " "
                if is_name:
                    spans.append({"start": len(text), "end": len(text) + len(piece), "kind": "person_name", "text": piece})
                text += piece
            text += "\n"
        rows.append({"id": f"frame-{n}", "lang": "mixed", "genre": "chart", "text": text, "spans": spans, "classes": [], "traps": []})
    for n in range(count):
        kind = rnd.random()
        lines = []
        for _ in range(rnd.randint(1, 4)):
            lines.append(rnd.choice(T if rnd.random() < 0.72 else NEG))
        text, spans = "", []
        memo = {}
        for line in lines:
            i = 0
            while i < len(line):
                if line[i] == "{":
                    e = line.index("}", i)
                    slot = line[i + 1:e]
                    i = e + 1
                    ks, kg = memo.get("s") or surname(), None
                    name = slot.rstrip("0123456789")
                    s = surname() if slot[-1:].isdigit() or "s" not in memo else memo["s"]
                    if "s" not in memo:
                        memo["s"] = s
                    g = given()
                    sr, gr = kata(s[1]) if s[1] else kata(rnd.choices(sur, weights)[0][2]), kata(g[1])
                    v, lab = None, True
                    if name == "F":
                        v = s[0] + rnd.choice(["", "", " ", "　", " "]) + g[0]
                    elif name == "S":
                        v = s[0]
                    elif name == "G":
                        v = g[0]
                    elif name == "KF":
                        v = sr + rnd.choice([" ", "　", ""]) + gr
                    elif name == "HKF":
                        v = kata_half(sr + " " + gr)
                    elif name == "SYL":
                        v = syllables(2, 4)
                    elif name == "PS":
                        v = rnd.choice(places)
                    elif name == "KG":
                        v = gr
                    elif name == "HKG":
                        v = kata_half(gr)
                    elif name == "KS":
                        v = sr
                    elif name == "HKS":
                        v = kata_half(sr)
                    elif name == "HS":
                        v = "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in sr)
                    elif name == "HG":
                        v = "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in g[1])
                    elif name == "RS":
                        v = rnd.choice([str.upper, str.capitalize])(romaji(sr) or "sato")
                    elif name == "RG":
                        v = (romaji(gr) or "ken").capitalize()
                    elif name == "EG":
                        v = rnd.choice(eng["G"])
                    elif name == "ES":
                        v = rnd.choice(eng["S"])
                    elif name == "EM":
                        v = latin_made_up(rnd.choice([fk["S"], fk["G"], eng["S"]]))
                    elif name == "EI":
                        v = rnd.choice("ABCDEFGHJKLMNPRSTW") + ". "
                        v, lab = v[:2], True
                        nxt = line[i:]
                        if nxt.startswith(". {ES}"):
                            v2 = rnd.choice(eng["S"])
                            v = v[:1] + ". " + v2
                            i += len(". {ES}")
                    elif name == "INI":
                        v = rnd.choice("ABFHIKMNOSTWY") + rnd.choice(".・") + rnd.choice("ABFHIKMNOSTWY") + rnd.choice(["", "."])
                    elif name == "FOR":
                        v = "・".join(rnd.sample(foreign, rnd.choice([2, 2, 3])))
                    else:
                        lab = False
                        v = {"D": "2024/6/3", "DEP": rnd.choice("内科 外科 循環器内科 整形外科 小児科 皮膚科 泌尿器科".split()), "N": str(rnd.randint(10000, 99999999)),
                             "AGE": str(rnd.randint(1, 89)), "SEX": rnd.choice("男女MF"), "Y": str(rnd.randint(10, 60)), "R": str(rnd.randint(201, 599)),
                             "P": rnd.choice(places), "PUB": rnd.choice(public), "SF": surname()[0], "OT": "OT",
                             "ROLE": rnd.choice(ROLES), "HON": rnd.choice(HONORIFICS), "FHON": rnd.choice(FAMILIAR),
                             "KAT": rnd.choice(katakana)}.get(name, slot)
                    # merge family-and-given slots written "RS RG"
                    if lab and spans and spans[-1]["end"] == len(text) - 1 and text[-1] in " " and name in ("RG", "HG", "ES", "RS", "HKG") and line[:e].count("{") > 1 and line[e - len(slot) - 2:e - len(slot) - 1] == " ":
                        spans[-1]["end"] = len(text) + len(v)
                        text += v
                        spans[-1]["text"] = text[spans[-1]["start"]:]
                        continue
                    if lab and v:
                        spans.append({"start": len(text), "end": len(text) + len(v), "kind": "person_name", "text": v})
                    text += v
                else:
                    text += "\n" if line[i:i + 2] == "\\n" else "\t" if line[i:i + 2] == "\\t" else line[i]
                    i += 2 if line[i:i + 2] in ("\\n", "\\t") else 1
            text += "\n"
        for s in spans:
            assert text[s["start"]:s["end"]] == s["text"], (text, s)
        rows.append({"id": f"synth-{n}", "lang": "mixed", "genre": "chart", "text": text, "spans": spans, "classes": [], "traps": []})
    with open(out, "w", encoding="utf-8") as f:
        for r in rows:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 4:
        rnd.seed(int(sys.argv[4]))
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
