//! Step 3: bytes → parts: content codings, charset, base64, multipart, documents; every step capped, with a way back.
//! `open` is one bounded recursion that hands each part to `locate`. Must not know: what a secret is; sockets.
