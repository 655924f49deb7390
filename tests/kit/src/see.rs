//! When something happens: sights to wait for, in the words of a contract.
//!
//! ```
//! use kit::{ms, see};
//! use lab::NodeId;
//! use lab::lamport::{Clock, Event};
//! use world::When;
//!
//! // 3 ms after the second local event of n1
//! let when: When = see::emits::<Clock>(|event| matches!(event, Event::Local { .. }))
//!     .at(NodeId(1))
//!     .nth(2)
//!     .after(ms(3))
//!     .into();
//! ```

use lab::{Contract, NodeId, Wire};
use std::time::Duration;
use world::{Matcher, Pattern, SeenKind, Trigger, When};

/// An observation to wait for: which, for the how manyth time, and how long after it.
#[derive(Debug, Clone)]
pub struct Sight {
    pattern: Pattern,
    nth: u32,
    after: Duration,
}
impl Sight {
    /// Any observation of a kind.
    pub fn of(kind: SeenKind) -> Sight {
        Sight { pattern: Pattern::of(kind), nth: 1, after: Duration::ZERO }
    }
    fn typed<T: Wire>(kind: SeenKind, fits: impl Fn(&T) -> bool + Send + Sync + 'static) -> Sight {
        Sight { pattern: Pattern::of(kind).matching(Matcher::typed(fits)), nth: 1, after: Duration::ZERO }
    }
    /// Only on this node.
    #[must_use]
    pub fn at(self, node: NodeId) -> Sight {
        Sight { pattern: self.pattern.at(node), ..self }
    }
    /// Only with this node at the other end of the message.
    #[must_use]
    pub fn with(self, other: NodeId) -> Sight {
        Sight { pattern: self.pattern.with(other), ..self }
    }
    /// Not the first time, but the `nth` time, from 1.
    #[must_use]
    pub fn nth(self, nth: u32) -> Sight {
        Sight { nth, ..self }
    }
    /// So long after it; at once, before anything else happens, if that is zero.
    #[must_use]
    pub fn after(self, after: Duration) -> Sight {
        Sight { after, ..self }
    }
}
impl From<Sight> for When {
    fn from(Sight { pattern, nth, after }: Sight) -> When {
        When::On { trigger: Trigger::Seen(pattern), nth, after }
    }
}
/// The first time, at once.
impl From<Sight> for Trigger {
    fn from(sight: Sight) -> Trigger {
        Trigger::Seen(sight.pattern)
    }
}

/// A node is asked this by a client, or by a node that calls it.
pub fn asked<C: Contract>(fits: impl Fn(&C::Request) -> bool + Send + Sync + 'static) -> Sight {
    Sight::typed(SeenKind::Requested, fits)
}
/// A node answers this.
pub fn answers<C: Contract>(fits: impl Fn(&C::Response) -> bool + Send + Sync + 'static) -> Sight {
    Sight::typed(SeenKind::Replied, fits)
}
/// A node emits this.
pub fn emits<C: Contract>(fits: impl Fn(&C::Event) -> bool + Send + Sync + 'static) -> Sight {
    Sight::typed(SeenKind::Emitted, fits)
}
/// A node calls a service with this.
pub fn calls<C: Contract>(fits: impl Fn(&C::Call) -> bool + Send + Sync + 'static) -> Sight {
    Sight::typed(SeenKind::Called, fits)
}
/// A node hears this from a service.
pub fn hears<C: Contract>(fits: impl Fn(&C::Answer) -> bool + Send + Sync + 'static) -> Sight {
    Sight::typed(SeenKind::Answered, fits)
}
/// A node sends this message, where the exercise fixes the type of messages.
pub fn sends<M: Wire>(fits: impl Fn(&M) -> bool + Send + Sync + 'static) -> Sight {
    Sight::typed(SeenKind::Sent, fits)
}
/// A node gets this message, where the exercise fixes the type of messages.
pub fn gets<M: Wire>(fits: impl Fn(&M) -> bool + Send + Sync + 'static) -> Sight {
    Sight::typed(SeenKind::Delivered, fits)
}
