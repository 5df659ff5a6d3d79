//! The way out for a refusal: the shape of the service that was asked, and whether a browser or a program asked.
//! Must not know: why it was refused.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::Standing;
use crate::accept::{AnswerBody, Received};
use crate::locate::Head;
use crate::locate::provider::{Endpoint, ErrorShape};
use crate::refuse::{self, Asker, Refusal};
use crate::wire::body::whole;

/// Where a refusal goes.
pub struct Exit {
    shape: Option<Arc<ErrorShape>>,
    asker: Asker,
    service: String,
    /// The status that `accept` wants, for what it turned away.
    pub status: Option<StatusCode>,
}

impl Exit {
    /// Before the service is known: the plainest shape.
    #[must_use]
    pub fn new(standing: &Standing, received: &Received) -> Self {
        let head = Head {
            method: received.parts.method.as_str().to_owned(),
            path_and_query: String::new(),
            headers: ["accept", "sec-fetch-mode", "origin", "content-type", "authorization"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), received.parts.headers.get(name)?.as_bytes().to_vec())))
                .collect(),
        };
        Self {
            shape: standing.providers.error("generic").cloned(),
            asker: Asker { navigation: refuse::is_navigation(&head), request_id: None, page: refuse::page_of(&head) },
            service: String::new(),
            status: None,
        }
    }

    /// The service and endpoint are known.
    pub fn at(&mut self, endpoint: &Endpoint, service: &str) {
        self.shape = Some(Arc::clone(&endpoint.error));
        service.clone_into(&mut self.service);
    }

    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The answer that says it.
    #[must_use]
    pub fn render(&self, refusal: &Refusal) -> Response<AnswerBody> {
        let Some(shape) = &self.shape else {
            let mut response = Response::new(whole(Bytes::from(refuse::message(refusal))));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        };
        let rendered = refuse::refusal(shape, refusal, &self.asker);
        let mut response = Response::new(whole(Bytes::from(rendered.body)));
        *response.status_mut() = StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::BAD_REQUEST);
        for (name, value) in rendered.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
