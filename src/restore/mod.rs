//! Step 9: answer → answer: tokens back to words, exact at every split, by place.
//! Uses the walkers of `locate` and the map of `mask`. Must not know: the network, storage.
