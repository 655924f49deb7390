//! Hosts and guests that are hostile: a reply is taken whole or not at all.

mod hostile;
