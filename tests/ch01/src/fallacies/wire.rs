//! Frames, as the suite reads and writes them: every legal make of one.

use lab::fallacies::{Frame, Key, Secret};

/// What a legal frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) make: Make,
    pub(super) kind: u8,
    pub(super) id: u64,
    /// The milliseconds of version 2; 0 in version 1.
    pub(super) left: u32,
    pub(super) fields: Vec<Field>,
}
/// How a frame is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Make {
    pub(super) version: u8,
    pub(super) little: bool,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Key(Key),
    Part {
        key: Key,
        offset: u32,
        total: u32,
        bytes: Vec<u8>,
    },
    Speaks(u8),
    /// A field that version 1 and 2 do not know, or one with a content that its tag does not allow.
    Other(u8, Vec<u8>),
}
impl Make {
    fn u16(self, number: u16) -> [u8; 2] {
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }
    fn u32(self, number: u32) -> [u8; 4] {
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }
    fn u64(self, number: u64) -> [u8; 8] {
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }
    /// The content of a field.
    fn content(self, field: &Field) -> (u8, Vec<u8>) {
        match field {
            Field::Key(key) => (1, self.u32(*key).to_vec()),
            Field::Part { key, offset, total, bytes } => {
                let mut content = Vec::with_capacity(12 + bytes.len());
                [*key, *offset, *total].iter().for_each(|number| content.extend(self.u32(*number)));
                content.extend(bytes);
                (2, content)
            }
            Field::Speaks(version) => (3, vec![*version]),
            Field::Other(tag, content) => (*tag, content.clone()),
        }
    }
    /// How many bytes a frame has beside its fields.
    pub(super) fn around(self) -> usize {
        if self.version == 2 { 23 } else { 19 }
    }
}
impl Field {
    /// How many bytes it takes in a frame.
    pub(super) fn length(&self) -> usize {
        3 + match self {
            Field::Key(_) => 4,
            Field::Part { bytes, .. } => 12 + bytes.len(),
            Field::Speaks(_) => 1,
            Field::Other(_, content) => content.len(),
        }
    }
}
impl Letter {
    /// The frame without its code.
    pub(super) fn body(&self) -> Vec<u8> {
        let make = self.make;
        let mut bytes = vec![make.version, u8::from(make.little), self.kind];
        bytes.extend(make.u64(self.id));
        if make.version == 2 {
            bytes.extend(make.u32(self.left));
        }
        for field in &self.fields {
            let (tag, content) = make.content(field);
            bytes.push(tag);
            bytes.extend(make.u16(content.len() as u16));
            bytes.extend(content);
        }
        bytes
    }
    pub(super) fn signed(&self, secret: &Secret) -> Frame {
        sign(self.body(), secret)
    }
    /// Reads a frame; `None` if it is not legal.
    pub(super) fn read(frame: &Frame, secret: &Secret, value_max: u32) -> Option<Letter> {
        let (body, code) = frame.0.split_last_chunk::<8>()?;
        if lab::mac(&secret.0, body).to_be_bytes() != *code {
            return None;
        }
        let &[version, order, kind] = body.first_chunk()?;
        if !matches!((version, order), (1 | 2, 0 | 1)) {
            return None;
        }
        let make = Make { version, little: order == 1 };
        let u16_at = |at: usize| {
            let digits = body.get(at..at + 2)?.try_into().ok()?;
            Some(if make.little { u16::from_le_bytes(digits) } else { u16::from_be_bytes(digits) })
        };
        let u32_at = |at: usize| {
            let digits = body.get(at..at + 4)?.try_into().ok()?;
            Some(if make.little { u32::from_le_bytes(digits) } else { u32::from_be_bytes(digits) })
        };
        let digits = body.get(3..11)?.try_into().ok()?;
        let id = if make.little { u64::from_le_bytes(digits) } else { u64::from_be_bytes(digits) };
        let (left, mut at) = if version == 2 { (u32_at(11)?, 15) } else { (0, 11) };
        let mut fields = Vec::new();
        while at < body.len() {
            let (tag, length) = (body[at], usize::from(u16_at(at + 1)?));
            let content = body.get(at + 3..at + 3 + length)?;
            fields.push(match (tag, length) {
                (1, 4) => Field::Key(u32_at(at + 3)?),
                (2, 12..) => {
                    let [key, offset, total] = [u32_at(at + 3)?, u32_at(at + 7)?, u32_at(at + 11)?];
                    let bytes = content[12..].to_vec();
                    if u64::from(offset) + bytes.len() as u64 > u64::from(total) || total > value_max {
                        return None;
                    }
                    Field::Part { key, offset, total, bytes }
                }
                (3, 1) if matches!(content[0], 1 | 2) => Field::Speaks(content[0]),
                (1..=3, _) => return None,
                _ => Field::Other(tag, content.to_vec()),
            });
            at += 3 + length;
        }
        Some(Letter { make, kind, id, left, fields })
    }
    /// The keys of an ask.
    pub(super) fn keys(&self) -> Vec<Key> {
        let key = |field: &Field| if let Field::Key(key) = field { Some(*key) } else { None };
        self.fields.iter().filter_map(key).collect()
    }
}
pub(super) fn sign(mut body: Vec<u8>, secret: &Secret) -> Frame {
    let code = lab::mac(&secret.0, &body);
    body.extend(code.to_be_bytes());
    Frame(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::fallacies::{Server, Value};

    const SECRET: Secret = Secret([3; 16]);

    #[test]
    fn what_is_written_is_read() {
        for (version, little) in [(1, false), (1, true), (2, false), (2, true)] {
            let fields = vec![
                Field::Key(7),
                Field::Part { key: 9, offset: 2, total: 5, bytes: vec![1, 2, 3] },
                Field::Other(200, vec![0; 300]),
                Field::Speaks(2),
            ];
            let left = if version == 2 { 77 } else { 0 };
            let letter = Letter { make: Make { version, little }, kind: b'V', id: 1 << 40, left, fields };
            let frame = letter.signed(&SECRET);
            let length = letter.make.around() + letter.fields.iter().map(Field::length).sum::<usize>();
            assert_eq!(frame.0.len(), length);
            assert_eq!(Letter::read(&frame, &SECRET, 5), Some(letter));
            assert_eq!(Letter::read(&frame, &SECRET, 4), None, "a value that is too long");
            assert_eq!(Letter::read(&frame, &Secret([4; 16]), 5), None, "another secret");
        }
    }

    #[test]
    fn the_server_of_the_contract_writes_legal_frames() {
        for version in [1, 2] {
            let values = [(7, Value(vec![])), (8, Value(vec![8; 1_000]))].into();
            let server = Server { secret: SECRET, version, frame_max: 300, values };
            let ask = |version| Letter {
                make: Make { version, little: version == 2 },
                kind: b'A',
                id: 5,
                left: 0,
                fields: vec![Field::Key(7), Field::Other(9, vec![]), Field::Key(8)],
            };
            let frames = server.handle(&ask(version).signed(&SECRET));
            let mut value = Vec::new();
            for frame in &frames {
                assert!(frame.0.len() <= 300, "{frame:?}");
                let letter = Letter::read(frame, &SECRET, 1_000).expect("legal");
                assert_eq!((letter.id, letter.kind), (5, b'V'));
                for field in letter.fields {
                    match field {
                        Field::Part { key: 7, total: 0, bytes, .. } => assert!(bytes.is_empty()),
                        Field::Part { key: 8, offset, total: 1_000, bytes } => {
                            assert_eq!(offset as usize, value.len());
                            value.extend(bytes);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
            assert_eq!(value, [8; 1_000]);
            let no = server.handle(&ask(3 - version).signed(&SECRET));
            let no = Letter::read(&no[0], &SECRET, 0).expect("legal");
            assert_eq!((no.kind, no.fields), (b'N', vec![Field::Speaks(version)]));
        }
    }
}
