use crate::{EVERY, LATENCY_MAX, LATENCY_MIN, LOSS, Message, NODES, WORLD};
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use tokio::time::{MissedTickBehavior, interval};
use turmoil::net::UdpSocket;

const PORT: u16 = 9000;

fn name(node: u32) -> String {
    format!("n{node}")
}

/// Events of one world.
pub(crate) fn world(seed: u64) -> u64 {
    let events = Rc::new(Cell::new(0));
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .min_message_latency(LATENCY_MIN)
        .max_message_latency(LATENCY_MAX)
        .fail_rate(LOSS)
        .simulation_duration(WORLD * 2)
        .build();
    for me in 1..=NODES {
        let events = events.clone();
        sim.host(name(me), move || pinger(me, events.clone()));
    }
    while sim.elapsed() < WORLD {
        sim.step().expect("nobody fails");
    }
    events.get()
}

async fn pinger(me: u32, events: Rc<Cell<u64>>) -> turmoil::Result {
    let socket = UdpSocket::bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    let peers: Vec<_> =
        (1..=NODES).filter(|peer| *peer != me).map(|peer| (turmoil::lookup(name(peer)), PORT)).collect();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut seq, mut acks, mut buffer) = (0, 0_u64, [0; 256]);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                seq += 1;
                let bytes = postcard::to_stdvec(&Message::ping(seq))?;
                for peer in &peers {
                    socket.send_to(&bytes, *peer).await?;
                }
            }
            received = socket.recv_from(&mut buffer) => {
                let (many, from) = received?;
                match postcard::from_bytes(&buffer[..many])? {
                    Message::Ping { term, seq, .. } => {
                        let bytes = postcard::to_stdvec(&Message::Pong { term, seq })?;
                        socket.send_to(&bytes, from).await?;
                    }
                    Message::Pong { .. } => acks += 1,
                }
            }
        }
        std::hint::black_box(acks);
        events.set(events.get() + 1);
    }
}
