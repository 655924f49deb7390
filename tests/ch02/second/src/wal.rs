//! `wal` in blocks of a fixed size, as LevelDB has it: a record is one piece or several, each piece has a block of its own. What follows a
//! bad block is found without a search, because every block begins where its number says.

use lab::prelude::*;
use lab::wal::{self as contract, Record, Request, Response, WAL};

const BLOCK: usize = 256;
/// A block: a checksum of the rest of it, its number, how many bytes it holds, which piece of a record they are, and these bytes.
const HEADER: usize = 4 + 4 + 2 + 1;
const ROOM: usize = BLOCK - HEADER;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Full,
    First,
    Middle,
    Last,
}
impl Piece {
    const ALL: [Piece; 4] = [Piece::Full, Piece::First, Piece::Middle, Piece::Last];
}

pub struct Wal {
    records: Vec<Record>,
    blocks: usize,
    whole: bool,
}

impl Node for Wal {
    type Contract = contract::Wal;
    type Message = Nothing;
    type Timer = Nothing;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let file = boot.disk.file(WAL);
        let blocks: Vec<Option<(Piece, &[u8])>> =
            file.chunks(BLOCK).enumerate().map(|(number, block)| piece(block, number)).collect();
        let (mut records, mut end) = (Vec::new(), 0);
        let mut under_way: Option<Vec<u8>> = None;
        for (number, block) in blocks.iter().enumerate() {
            let Some((piece, bytes)) = block else { break };
            let mut payload = match (piece, under_way.take()) {
                (Piece::Full | Piece::First, None) => Vec::new(),
                (Piece::Middle | Piece::Last, Some(payload)) => payload,
                _ => break,
            };
            payload.extend(*bytes);
            match piece {
                Piece::Full | Piece::Last => {
                    records.push(Record(payload));
                    end = number + 1;
                }
                Piece::First | Piece::Middle => under_way = Some(payload),
            }
        }
        // behind a record that is bad, another one begins
        let begins = |block: &Option<(Piece, &[u8])>| matches!(block, Some((Piece::Full | Piece::First, _)));
        let whole = !blocks.iter().skip(end + 1).any(begins);
        if whole && file.len() > end * BLOCK {
            out.cut(WAL, (end * BLOCK) as u64);
            out.sync();
        }
        Wal { records, blocks: end, whole }
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        let record = match request {
            Request::Read => {
                let records = self.records.clone();
                return out.reply(id, Response::Records { records, whole: self.whole });
            }
            Request::Append(_) if !self.whole => return out.reply(id, Response::Damaged),
            Request::Append(record) => record,
        };
        let pieces = record.0.len().div_ceil(ROOM).max(1);
        for nth in 0..pieces {
            let from = nth * ROOM;
            let bytes = &record.0[from..record.0.len().min(from + ROOM)];
            let kind = match (nth == 0, nth + 1 == pieces) {
                (true, true) => Piece::Full,
                (true, false) => Piece::First,
                (false, false) => Piece::Middle,
                (false, true) => Piece::Last,
            };
            out.write(WAL, &block(kind, bytes, self.blocks));
            self.blocks += 1;
        }
        out.sync();
        self.records.push(record);
        out.reply(id, Response::Appended { at: self.records.len() as u64 - 1 });
    }
}

/// A block as it is written.
fn block(piece: Piece, bytes: &[u8], number: usize) -> Vec<u8> {
    let mut rest = (number as u32).to_be_bytes().to_vec();
    rest.extend((bytes.len() as u16).to_be_bytes());
    rest.push(piece as u8 + 1);
    rest.extend(bytes);
    rest.resize(BLOCK - 4, 0);
    let mut block = lab::checksum(&rest).to_be_bytes().to_vec();
    block.extend(rest);
    block
}

/// What a good block holds.
fn piece(block: &[u8], number: usize) -> Option<(Piece, &[u8])> {
    if block.len() < BLOCK {
        return None;
    }
    let (sum, rest) = block.split_at(4);
    let is_good = sum == lab::checksum(rest).to_be_bytes() && rest[..4] == (number as u32).to_be_bytes();
    let used = usize::from(u16::from_be_bytes([rest[4], rest[5]]));
    let piece = Piece::ALL.into_iter().find(|piece| *piece as u8 + 1 == rest[6])?;
    is_good.then_some((piece, rest.get(7..7 + used)?))
}
