//! The service table: hosts → provider, method and path → endpoint, endpoint → adapter with its compiled paths.
//! Data is `patterns/providers/*.toml` (PROVIDERS.md §1). Must not know: sockets, what a secret is.
