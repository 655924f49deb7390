//! One module per exercise: what is asked, in types.

/// Declares a role. What it is not given is [`Nothing`](crate::Nothing), or `()` for its config and status.
macro_rules! role {
    ($(#[$doc:meta])* $name:ident as $label:literal { $($key:ident = $type:ty),* $(,)? }) => {
        $(#[$doc])*
        pub enum $name {}
        role!(@ $name $label [() Nothing Nothing Nothing () Nothing Nothing] $($key = $type,)*);
    };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt] Config = $t:ty, $($r:tt)*) => { role!(@ $n $l [$t $rq $rs $e $s $ca $a] $($r)*); };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt] Request = $t:ty, $($r:tt)*) => { role!(@ $n $l [$c $t $rs $e $s $ca $a] $($r)*); };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt] Response = $t:ty, $($r:tt)*) => { role!(@ $n $l [$c $rq $t $e $s $ca $a] $($r)*); };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt] Event = $t:ty, $($r:tt)*) => { role!(@ $n $l [$c $rq $rs $t $s $ca $a] $($r)*); };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt] Status = $t:ty, $($r:tt)*) => { role!(@ $n $l [$c $rq $rs $e $t $ca $a] $($r)*); };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt] Call = $t:ty, $($r:tt)*) => { role!(@ $n $l [$c $rq $rs $e $s $t $a] $($r)*); };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt] Answer = $t:ty, $($r:tt)*) => { role!(@ $n $l [$c $rq $rs $e $s $ca $t] $($r)*); };
    (@ $n:ident $l:literal [$c:tt $rq:tt $rs:tt $e:tt $s:tt $ca:tt $a:tt]) => {
        impl $crate::Contract for $n {
            const ROLE: &'static str = $l;
            type Config = $c;
            type Request = $rq;
            type Response = $rs;
            type Event = $e;
            type Status = $s;
            type Call = $ca;
            type Answer = $a;
        }
    };
}

pub mod abd;
pub mod byzantine;
pub mod causal_broadcast;
pub mod classify;
pub mod courier;
pub mod detector;
pub mod fallacies;
pub mod gather;
pub mod happens_before;
pub mod hlc;
pub mod idempotency;
pub mod lamport;
pub mod lease;
pub mod membership;
pub mod multi_leader;
pub mod mutex;
pub mod paxos;
pub mod primary_backup;
pub mod quorum_store;
pub mod raft;
pub mod rpc;
pub mod session;
pub mod strategy;
pub mod vector;
pub mod wal;
