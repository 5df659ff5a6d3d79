//! The other way out: a refusal in the shape of each provider, also inside a stream that has begun (DESIGN §6).
//! Names kinds, counts, places, rules and the record; never a secret. Must not know: sockets, how anything was found.
