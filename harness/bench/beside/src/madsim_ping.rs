use crate::{EVERY, LATENCY_MAX, LATENCY_MIN, LOSS, Message, NODES, WORLD};
use madsim::net::UdpSocket;
use madsim::runtime::Runtime;
use madsim::time::{interval, sleep};
use madsim::{Config, net};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn address(node: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(192, 168, 0, node as u8), 9000))
}

/// Events of one world.
pub(crate) fn world(seed: u64) -> u64 {
    let events = Arc::new(AtomicU64::new(0));
    let net = net::Config { packet_loss_rate: LOSS, send_latency: LATENCY_MIN..LATENCY_MAX };
    let runtime = Runtime::with_seed_and_config(seed, Config { net, ..Config::default() });
    for me in 1..=NODES {
        let ip: IpAddr = address(me).ip();
        let node = runtime.create_node().name(format!("n{me}")).ip(ip).build();
        node.spawn(pinger(me, events.clone()));
    }
    runtime.block_on(async { sleep(WORLD).await });
    events.load(Ordering::Relaxed)
}

async fn pinger(me: u32, events: Arc<AtomicU64>) -> io::Result<()> {
    let socket = UdpSocket::bind(address(me)).await?;
    let mut ticks = interval(EVERY);
    let (mut seq, mut acks, mut buffer) = (0, 0_u64, [0; 256]);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                seq += 1;
                let bytes = postcard::to_stdvec(&Message::ping(seq)).map_err(io::Error::other)?;
                for peer in (1..=NODES).filter(|peer| *peer != me) {
                    socket.send_to(address(peer), &bytes).await?;
                }
            }
            received = socket.recv_from(&mut buffer) => {
                let (many, from) = received?;
                match postcard::from_bytes(&buffer[..many]).map_err(io::Error::other)? {
                    Message::Ping { term, seq, .. } => {
                        let bytes = postcard::to_stdvec(&Message::Pong { term, seq }).map_err(io::Error::other)?;
                        socket.send_to(from, &bytes).await?;
                    }
                    Message::Pong { .. } => acks += 1,
                }
            }
        }
        std::hint::black_box(acks);
        events.fetch_add(1, Ordering::Relaxed);
    }
}
