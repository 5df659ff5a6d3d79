//! `tsuitate demo`: the gate, a stand-in AI service and example texts, on loopback, without network, account or root.
//! Shows a refusal without a use, a masked request and its restored answer, a blind and a kept lab value; then stays up.
//! Must not know: how a step does its work; it is a user.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::client::{Reply, ask};
use super::standin::Standin;
use super::{now_ms, out, say};
use crate::config::Config;
use crate::house::open::{self, Open, open};
use crate::identify::{UserFile, account};
use crate::wire::task::quiet_panics;

#[derive(Args)]
pub(crate) struct Arguments {
    /// End after the examples; exit code 1 when one of them is not as it should be
    #[arg(long)]
    once: bool,
    /// Port of the gate; another one when it is taken
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

const HOST: &str = "api.openai.com";
const PERSON: &str = "hanako";
const PASSWORD: &str = "demo-hanako";

const LETTER: &str = "次のメールを丁寧な文面に直してください。\n佐久間 春香様（患者番号 0038412）のご長女、佐久間 美緒様へ。\n\
    次回の受診は7月1日です。ご都合が悪い場合は 090-1234-5678 までお電話ください。";
const LABS: &str =
    "検査結果をご家族向けにやさしく説明する文を書いてください。\n患者：佐久間 春香　HbA1c 7.2%　LDL-C 131 mg/dL";
const CHART: &str = "退院サマリの下書きを整えてください。\n氏名：佐久間 春香　ID：0038412\n主訴：胸痛\n現病歴：6月3日より労作時胸痛を認め、\
    6月5日当院を受診、同日入院となった。\n既往歴：高血圧、2型糖尿病\n入院時所見：BP 138/82、HbA1c 7.2%\n経過：安静と内服で軽快し、6月12日退院。\n\
    退院時処方：アムロジピン5mg 1日1回";

/// Run it.
///
/// # Errors
/// When no port or certificate can be had.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    quiet_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(show(arguments))
}

async fn show(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let standin = Standin::start(&[HOST, "api.anthropic.com", "generativelanguage.googleapis.com"]).await?;
    let gate = start(folder.path(), &standin, arguments.port).await?;
    let address = gate.running.addr().context("the gate has no address")?;
    out(&format!("衝立を {address} で動かしています。AIサービスの代わりに、手元の模擬サービスにつないでいます。\n"))?;

    let mut wrong = Vec::new();
    let asked = Asked { gate: &gate, standin: &standin };

    heading("1. 用途の承認なしにカルテ本文を送る → 送信停止")?;
    let (reply, sent) = asked.ask(None, CHART).await?;
    refused(&reply)?;
    expect(&mut wrong, "a chart without a use is stopped", reply.status == 400 && sent.is_none());

    heading("2. メール文 → 記号に置き換えて送り、回答では元に戻る（逐次表示）")?;
    let (reply, sent) = asked.ask(None, LETTER).await?;
    let answer = answered(&reply, sent.as_deref())?;
    let seen = sent.unwrap_or_default();
    let hidden = ["佐久間", "春香", "美緒", "0038412", "090-1234-5678"];
    expect(
        &mut wrong,
        "nothing of the letter leaves",
        !seen.is_empty() && hidden.iter().all(|word| !seen.contains(word)),
    );
    expect(&mut wrong, "the answer has the words back", hidden.iter().all(|word| answer.contains(word)));

    heading("3. 検査値（用途の承認なし）→ 伏せて送り、回答では ※ を付けて戻す")?;
    let (reply, sent) = asked.ask(None, LABS).await?;
    let answer = answered(&reply, sent.as_deref())?;
    let seen = sent.unwrap_or_default();
    expect(&mut wrong, "a lab value is blind", !seen.is_empty() && !seen.contains("7.2") && answer.contains("※"));

    heading("4. 承認済みの用途を持つ本人がカルテ本文を送る → 本人の情報は置き換え、検査値はそのまま")?;
    let (reply, sent) = asked.ask(Some((PERSON, PASSWORD)), CHART).await?;
    let answer = answered(&reply, sent.as_deref())?;
    let seen = sent.unwrap_or_default();
    expect(
        &mut wrong,
        "an approved use masks the person",
        !seen.is_empty() && !seen.contains("佐久間") && !seen.contains("0038412"),
    );
    expect(&mut wrong, "an approved use keeps the lab value", seen.contains("7.2") && answer.contains("佐久間 春香"));

    for what in &wrong {
        say(&format!("not as it should be: {what}"));
    }
    if arguments.once {
        gate.stop(std::time::Duration::from_secs(10)).await;
        return Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) });
    }
    stay(folder.path(), gate, address).await
}

async fn stay(folder: &Path, gate: Open, address: std::net::SocketAddr) -> anyhow::Result<ExitCode> {
    let pem = folder.join("tsuitate-ca.pem");
    std::fs::write(&pem, &gate.root.pem)?;
    out(&format!(
        "\nこのまま動いています（Ctrl-C で終わります）。ご自分でも試せます：\n\n  curl -x http://{address} --cacert {} https://{HOST}/v1/chat/completions \\\n    -H 'content-type: application/json' \\\n    -d '{{\"model\":\"demo\",\"messages\":[{{\"role\":\"user\",\"content\":\"患者 佐久間 春香様の次回予約は7月1日です\"}}]}}'\n\n案内ページ http://{address}/",
        pem.display()
    ))?;
    // However it is asked to end, the folder with its keys goes with it.
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked?,
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    gate.stop(std::time::Duration::from_secs(10)).await;
    Ok(ExitCode::SUCCESS)
}

async fn start(folder: &Path, standin: &Standin, port: u16) -> anyhow::Result<Open> {
    let users = folder.join("users.toml");
    let file = UserFile { user: vec![account(PERSON, &["内科".to_owned()], false, PASSWORD)?] };
    super::write_private(&users, toml::to_string(&file)?.as_bytes())?;
    let root = folder.join("stand-in.pem");
    std::fs::write(&root, &standin.root_pem)?;
    let config = |port: u16| {
        let text = toml::to_string(&json!({
            "gate": { "listen": { "http": [format!("127.0.0.1:{port}")] } },
            "contact": { "name": "医療情報室", "extension": "2345" },
            "upstream": {
                "only_extra_roots": true,
                "extra_roots": [root],
                "private_addresses": ["127.0.0.0/8"],
                "resolve": {
                    HOST: standin.address.to_string(),
                    "api.anthropic.com": standin.address.to_string(),
                    "generativelanguage.googleapis.com": standin.address.to_string(),
                },
            },
            "identify": { "source": [{ "type": "basic", "file": users }] },
            "uses": { "static": [{
                "id": "discharge-summary",
                "purpose": "退院サマリの下書き",
                "basis": "公表済み目的の範囲内",
                "people": [PERSON],
                "services": ["openai"],
                "classes": ["chart_text"],
                "treatments": { "lab_value": "keep" },
                "until": "2099-12-31",
                "output_reviewer": "佐藤（主治医）",
            }] },
        }))?;
        Config::parse(Path::new("demo.toml"), &text, super::today()).map_err(anyhow::Error::from)
    };
    let place = || open::Place { data: folder, gate: "demo".to_owned(), clock: now_ms };
    match open(config(port)?, place()).await {
        Err(open::OpenError::Listen(_)) => Ok(open(config(0)?, place()).await?),
        other => Ok(other?),
    }
}

struct Asked<'a> {
    gate: &'a Open,
    standin: &'a Standin,
}

impl Asked<'_> {
    /// Ask; the answer, and the text that the service saw, if it saw one.
    async fn ask(&self, account: Option<(&str, &str)>, text: &str) -> anyhow::Result<(Reply, Option<String>)> {
        out(&format!("── 職員が書いた文面\n{text}\n"))?;
        let before = self.standin.received().len();
        let body =
            json!({"model": "demo", "stream": true, "messages": [{"role": "user", "content": text}]}).to_string();
        let address = self.gate.running.addr().context("the gate has no address")?;
        let reply = ask(address, &self.gate.root.pem, account, HOST, "/v1/chat/completions", body).await?;
        let received = self.standin.received();
        let sent = received
            .get(before)
            .and_then(|got| serde_json::from_slice::<Value>(&got.body).ok())
            .and_then(|body| body["messages"].as_array()?.last()?["content"].as_str().map(str::to_owned));
        Ok((reply, sent))
    }
}

fn heading(text: &str) -> std::io::Result<()> {
    out(&format!("\n━━ {text}\n"))
}

fn refused(reply: &Reply) -> anyhow::Result<()> {
    let body: Value = serde_json::from_str(&reply.body).unwrap_or(Value::Null);
    out(&format!(
        "── 職員が読む案内（HTTP {}）\n{}",
        reply.status.as_u16(),
        body["error"]["message"].as_str().unwrap_or(&reply.body)
    ))?;
    Ok(())
}

/// Print what the service saw and what the user reads; gives the latter.
fn answered(reply: &Reply, sent: Option<&str>) -> anyhow::Result<String> {
    match sent {
        Some(sent) => out(&format!("── AIサービスに届いた文面\n{sent}\n"))?,
        None => {
            refused(reply)?;
            return Ok(String::new());
        }
    }
    let answer: String = reply
        .body
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    out(&format!("── 職員が読む回答\n{answer}"))?;
    Ok(answer)
}

fn expect(wrong: &mut Vec<&'static str>, what: &'static str, holds: bool) {
    if !holds {
        wrong.push(what);
    }
}
