//! Step 7: decision → `Cleared`: treatments, tokens, the turn rule, the second look.
//! The only maker of `Cleared`, which is all that `forward` takes. Must not know: the network, storage.
