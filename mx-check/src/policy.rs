//! What a domain publishes about its mail: which servers may send it, how it is signed, what receivers are to do.
