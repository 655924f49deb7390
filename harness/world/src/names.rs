//! Clients, their operations, and the requests that tries and calls are delivered as.

use lab::{NodeId, RequestId};

/// The name of a client of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// The name of an operation of a client: it stays when others are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u32);

const CALL: u64 = 1 << 63;

const NODE_BITS: u32 = 23;

/// The request that a client's try at an operation is delivered as.
pub(crate) fn request_id(client: ClientId, operation: OperationId, attempt: u32) -> RequestId {
    debug_assert!(client.0 < 1 << NODE_BITS && attempt < 256);
    RequestId(u64::from(client.0) << 40 | u64::from(operation.0) << 8 | u64::from(attempt))
}

/// A message is repeated at most so many times by faults: there is room for as many in the id of a request.
pub(crate) const REPEATS_MAX: usize = 15;

/// The request that the `copy` of a node's call is delivered as: below it are those that the link made, above it those that
/// faults had sent again.
pub(crate) fn call_request_id(caller: NodeId, call: u64, copy: u8) -> RequestId {
    debug_assert!(usize::from(copy) <= 2 * REPEATS_MAX + 1);
    let which = (call << 1 | u64::from(copy & 1)) & ((1 << 36) - 1);
    RequestId(CALL | u64::from(caller.0) << 40 | u64::from(copy >> 1) << 36 | which)
}

/// The node whose call this request is; `None` where a client asks. For services that need to know.
pub fn caller(request: RequestId) -> Option<NodeId> {
    (request.0 & CALL != 0).then_some(NodeId((request.0 >> 40) as u32 & ((1 << NODE_BITS) - 1)))
}
/// A request as people read of it: `#5.1`, the first request of client 5; `#5.1.2`, its second try; `#n2.7`, the seventh call of
/// node 2.
pub fn name_of(request: RequestId) -> String {
    let RequestId(bits) = request;
    match caller(request) {
        Some(node) => format!("#{node}.{}", ((bits & ((1 << 36) - 1)) >> 1) + 1),
        None => {
            let (client, operation, tries) = (bits >> 40, bits >> 8 & 0xffff_ffff, (bits & 0xff) + 1);
            let tries = if tries > 1 { format!(".{tries}") } else { String::new() };
            format!("#{client}.{operation}{tries}")
        }
    }
}
