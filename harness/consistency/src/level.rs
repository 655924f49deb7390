//! The promises, by name.

use std::fmt;

/// A promise about histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Operations take effect at one moment between invocation and return.
    Linearizable,
    /// One order of all operations, that of each process kept.
    Sequential,
    /// Causal memory, CM: each process explains all it saw by one order of its own, causes first.
    CausalMemory,
    /// Causal convergence, CCv: causes first, and all processes agree on the order of the rest.
    CausalConvergence,
    /// Causal consistency, CC: causes first, each read explained by itself.
    Causal,
    /// A process sees its own writes.
    ReadYourWrites,
    /// A process never sees an older state than it saw before.
    MonotonicReads,
    /// Writes of a process are seen in their order.
    MonotonicWrites,
    /// A write is seen after the writes its process had read.
    WritesFollowReads,
    /// Of each key: a read returns the last finished write, or one under way.
    Regular,
    /// Once settled, everybody reads the same.
    Convergent,
    /// Reads lag no more than a bound.
    BoundedStaleness,
    /// Transactions: nobody sees what did not commit.
    ReadCommitted,
    /// Transactions: nobody sees part of one.
    ReadAtomic,
    /// Transactions: nobody sees an effect without its causes.
    CausalTransactions,
    /// Transactions: one order of all, that of each session kept.
    Serializable,
    /// Transactions: one order of all, that of time kept.
    StrictSerializable,
}

impl Level {
    /// The levels that take no parameter, each after all that imply it.
    pub const LADDER: [Self; 11] = [
        Self::Linearizable,
        Self::Sequential,
        Self::CausalMemory,
        Self::CausalConvergence,
        Self::Causal,
        Self::ReadYourWrites,
        Self::MonotonicReads,
        Self::MonotonicWrites,
        Self::WritesFollowReads,
        Self::Regular,
        Self::Convergent,
    ];

    /// Whether every history (of plain reads and writes of unique values) that keeps this promise keeps the `weaker` one too. No level implies itself.
    ///
    /// CM and CCv are incomparable; CC explains each read by itself, so it implies of the session guarantees only read-your-writes;
    /// regularity is about the order of time, which only linearizability knows of the others; convergence is about the end alone, and follows from
    /// none of the others.
    pub fn implies(self, weaker: Self) -> bool {
        let sessions =
            [Self::ReadYourWrites, Self::MonotonicReads, Self::MonotonicWrites, Self::WritesFollowReads];
        match self {
            Self::Linearizable => {
                [Self::Sequential, Self::Regular].contains(&weaker) || Self::Sequential.implies(weaker)
            }
            Self::Sequential => {
                [Self::CausalMemory, Self::CausalConvergence].contains(&weaker)
                    || Self::CausalMemory.implies(weaker)
            }
            Self::CausalMemory | Self::CausalConvergence => {
                weaker == Self::Causal || sessions.contains(&weaker)
            }
            Self::Causal => weaker == Self::ReadYourWrites,
            Self::StrictSerializable => weaker == Self::Serializable || Self::Serializable.implies(weaker),
            Self::Serializable => {
                weaker == Self::CausalTransactions || Self::CausalTransactions.implies(weaker)
            }
            Self::CausalTransactions => weaker == Self::ReadAtomic || Self::ReadAtomic.implies(weaker),
            Self::ReadAtomic => weaker == Self::ReadCommitted,
            _ => false,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linearizable => "linearizable",
            Self::Sequential => "sequentially consistent",
            Self::CausalMemory => "causal (causal memory, CM)",
            Self::CausalConvergence => "causal (causal convergence, CCv)",
            Self::Causal => "causal (CC)",
            Self::ReadYourWrites => "read-your-writes",
            Self::MonotonicReads => "monotonic reads",
            Self::MonotonicWrites => "monotonic writes",
            Self::WritesFollowReads => "writes-follow-reads",
            Self::Regular => "regular",
            Self::Convergent => "convergent",
            Self::BoundedStaleness => "within the staleness bound",
            Self::ReadCommitted => "read committed",
            Self::ReadAtomic => "read atomic",
            Self::CausalTransactions => "causal (transactions)",
            Self::Serializable => "serializable",
            Self::StrictSerializable => "strictly serializable",
        })
    }
}
