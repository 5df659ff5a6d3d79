//! The answer's way back: frames of the service → restored bytes for the client, and at the end the record's `closed`
//! event and what is to be remembered. A client that leaves closes the record too.
//! Must not know: how a token is found.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::memory::{Remember, Scope};
use super::steps::Sending;
use super::{Entry, House, Leaving, Standing, words};
use crate::forward::Answer;
use crate::locate::provider::Endpoint;
use crate::mask::turn::signed_digest;
use crate::mask::{Digest, SentAnswer, SentUnit, WordMap};
use crate::record::Aside;
use crate::refuse::{self, Cause, Contact, Language, Refusal, Said};
use crate::restore::{self, Restorer, Summary};
use crate::wire::body::{AnswerBody, BoxError, streamed};

/// All that restoring an answer needs.
pub struct Return {
    house: Arc<House>,
    standing: Arc<Standing>,
    entry: Entry,
    scope: Scope,
    endpoint: Endpoint,
    service: String,
    map: Arc<WordMap>,
    /// The request asked for JSON: no marks in it.
    json_answer: bool,
    /// What this request sent, unit by unit.
    units: Vec<(Digest, SentUnit)>,
    /// Rows of what was sent, to become durable with the outcome.
    sent: Vec<Aside>,
}

/// Frames that wait for the client.
const WAITING: usize = 16;

impl Return {
    /// Ready before the request is sent, from what was recorded.
    #[must_use]
    pub fn new(house: &Arc<House>, standing: &Arc<Standing>, entry: &Entry, sending: &Sending) -> Self {
        Self {
            house: Arc::clone(house),
            standing: Arc::clone(standing),
            entry: entry.clone(),
            scope: sending.scope.clone(),
            endpoint: sending.endpoint.clone(),
            service: sending.service.clone(),
            map: Arc::clone(&sending.map),
            json_answer: sending.json_answer,
            units: sending.units.clone(),
            sent: Vec::new(),
        }
    }

    /// Wait for the service; a client that leaves meanwhile closes the record.
    pub async fn wait<T>(&self, service: impl Future<Output = T>) -> T {
        let leaving = Leaving::new(&self.house, &self.entry);
        let answer = service.await;
        leaving.stayed();
        answer
    }

    /// Begin the answer to the client; a watched task carries the rest.
    #[must_use]
    pub fn begin(mut self, answer: Answer) -> Response<AnswerBody> {
        // The service has the request: its turn units were sent.
        let units = std::mem::take(&mut self.units);
        self.sent = self.keep(&Remember { units, ..Remember::default() });
        let Answer { parts, body, .. } = answer;
        let content_type = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let mut settings = self.standing.config.restore.settings();
        settings.json_answer = self.json_answer;
        let restorer =
            Restorer::new(Arc::clone(&self.map), Arc::clone(&self.endpoint.adapter), &settings, &content_type);
        let head = self.head(parts);
        let (send, mut receive) = mpsc::channel::<Result<Frame<Bytes>, BoxError>>(WAITING);
        let tasks = self.house.tasks.clone();
        let status = head.status;
        tasks.spawn("answer", self.carry(restorer, body, status, send));
        let frames = futures_util::stream::poll_fn(move |context| receive.poll_recv(context));
        Response::from_parts(head, streamed(http_body_util::StreamBody::new(frames)))
    }

    fn head(&self, mut parts: Parts) -> Parts {
        parts.headers.remove(header::CONTENT_LENGTH);
        if self.map.has_blind()
            && let Ok(count) =
                HeaderValue::from_str(&self.map.words().filter(|(_, _, word)| word.blind).count().to_string())
        {
            parts.headers.insert(restore::BLIND_HEADER, count);
        }
        if let Ok(record) = HeaderValue::from_str(&self.entry.record) {
            parts.headers.insert("x-tsuitate-record", record);
        }
        parts
    }

    async fn carry(
        self,
        mut restorer: Restorer,
        body: crate::forward::AnswerFrames,
        status: StatusCode,
        send: mpsc::Sender<Result<Frame<Bytes>, BoxError>>,
    ) {
        let mut body = std::pin::pin!(body.into_data_stream());
        let mut bytes = 0_u64;
        let mut fault: Option<Said> = None;
        let mut outcome = "answered";
        let mut out = Vec::new();
        while let Some(frame) = body.next().await {
            match frame {
                Ok(frame) => {
                    bytes += frame.len() as u64;
                    if let Err(error) = restorer.push(&frame, &mut out) {
                        fault = Some(words::restore(&error));
                        outcome = "cut";
                        break;
                    }
                    if !out.is_empty()
                        && send.send(Ok(Frame::data(Bytes::from(std::mem::take(&mut out))))).await.is_err()
                    {
                        outcome = "client_gone";
                        break;
                    }
                }
                Err(error) => {
                    fault = Some(words::forward(&error));
                    outcome = "cut";
                    break;
                }
            }
        }
        let kind = restorer.kind();
        let state = restorer.state();
        let streaming = restorer.is_streaming();
        let mut summary = Summary::default();
        if outcome == "answered" {
            match restorer.finish(&mut out) {
                Ok(done) => {
                    if streaming && !done.ended && status.is_success() {
                        outcome = "cut";
                        fault = Some(words::ended_early());
                    }
                    summary = done;
                }
                Err(error) => {
                    fault = Some(words::restore(&error));
                    outcome = "cut";
                }
            }
        } else if outcome == "cut" {
            // What was whole is given; what was held back is not.
            out.clear();
        }
        if outcome == "cut" {
            let refusal = Refusal {
                cause: Cause::AnswerCut { what: fault.clone().unwrap_or_default() },
                record: self.entry.record.clone(),
                contact: Contact::default(),
                ways: Vec::new(),
                first: Language::Japanese,
            };
            if streaming {
                out.extend(refuse::in_stream(kind, &self.endpoint.error, &refusal, &state));
            }
        }
        let counts = summary.counts;
        let closed = self.entry.closed(outcome, Some(status.as_u16()), bytes, counts, fault.map(|said| said.en));
        // What passed in the answer is known before the client can send it back; durable a moment later.
        let rows = self.sent.iter().cloned().chain(self.remember(&summary)).collect();
        if let Err(error) = self.house.recorder.append(vec![closed], rows).await {
            self.house.metrics.unwritten();
            tracing::error!(record = self.entry.record, %error, "the outcome could not be recorded");
        }
        if !out.is_empty() {
            // The client may have gone meanwhile.
            let _gone = send.send(Ok(Frame::data(Bytes::from(out)))).await;
        }
        if outcome == "cut" && !streaming {
            let _gone = send.send(Err("the answer broke off".into())).await;
        }
    }

    fn remember(&self, summary: &Summary) -> Vec<Aside> {
        let key = &self.scope.token;
        // Some clients keep the note apart from the text above it (Gemini's last, signed part): both forms are known.
        let note = format!("\n\n{}", self.standing.config.restore.settings().blind_note);
        let remember = Remember {
            answers: summary
                .answers
                .iter()
                .filter(|answer| *answer.restored != answer.masked)
                .flat_map(|answer| {
                    let bare = answer.restored.strip_suffix(note.as_str());
                    let forms = std::iter::once(answer.restored.as_str()).chain(bare);
                    forms.map(|restored| SentAnswer::of(key, &answer.masked, restored, &self.map))
                })
                .collect(),
            signed: summary.signed.iter().map(|block| signed_digest(key, block)).collect(),
            ..Remember::default()
        };
        self.keep(&remember)
    }

    /// Known from now on; gives the rows that become durable with the outcome.
    fn keep(&self, remember: &Remember) -> Vec<Aside> {
        match self.house.memory.keep(&self.scope, &self.service, remember, (self.house.clock)()) {
            Ok(mut pending) => {
                let rows = std::mem::take(&mut pending.rows);
                self.house.memory.commit(pending);
                rows
            }
            Err(error) => {
                tracing::error!(%error, "an answer could not be remembered");
                Vec::new()
            }
        }
    }
}
