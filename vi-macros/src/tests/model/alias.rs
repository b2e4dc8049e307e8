//! Same, distinct or unknown: the claims that independence rests on.
