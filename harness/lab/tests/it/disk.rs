//! What the disk does with each write, whole or torn.

use lab::prelude::*;
use lab::{Disk, DiskOp};

const LOG: Log<u16> = Log::new("log");
const VALUE: Saved<u16> = Saved::new("value");
const ROWS: Table<u8, u16> = Table::new("rows");
const FILE: File = File::new("file");

fn append(record: u16) -> DiskOp {
    DiskOp::Append { name: "log".into(), bytes: lab::frame::encode(&record) }
}
fn truncate(from: u64) -> DiskOp {
    DiskOp::Truncate { name: "log".into(), from }
}
fn trim(upto: u64) -> DiskOp {
    DiskOp::TrimFront { name: "log".into(), upto }
}
fn write(bytes: &[u8]) -> DiskOp {
    DiskOp::Write { name: "file".into(), bytes: bytes.to_vec() }
}
fn after(ops: &[DiskOp]) -> Disk {
    let mut disk = Disk::default();
    ops.iter().for_each(|op| disk.apply(op));
    disk
}
/// The log as `(position, record)`.
fn log(disk: &Disk) -> Vec<(u64, u16)> {
    let view = disk.log(LOG);
    (view.first()..).zip(view.map(|record| record.expect("nothing is torn"))).collect()
}

#[test]
fn records_keep_their_positions_whatever_is_cut_off_before_or_after_them() {
    let three = [append(10), append(11), append(12)];
    type Row<'a> = (&'a str, &'a [DiskOp], &'a [(u64, u16)], u64);
    let table: [Row<'_>; 12] = [
        ("as written", &[], &[(0, 10), (1, 11), (2, 12)], 0),
        ("the end goes", &[truncate(1)], &[(0, 10)], 0),
        ("all goes", &[truncate(0)], &[], 0),
        ("nothing to truncate", &[truncate(3)], &[(0, 10), (1, 11), (2, 12)], 0),
        ("far beyond", &[truncate(u64::MAX)], &[(0, 10), (1, 11), (2, 12)], 0),
        ("the front goes", &[trim(1)], &[(1, 11), (2, 12)], 1),
        ("trimming twice", &[trim(2), trim(1)], &[(2, 12)], 2),
        ("trimmed to its end", &[trim(3), append(13)], &[(3, 13)], 3),
        ("and past it", &[trim(7), append(17)], &[(7, 17)], 7),
        ("trimmed, then truncated", &[trim(1), truncate(2), append(22)], &[(1, 11), (2, 22)], 1),
        ("truncated below its front", &[trim(2), truncate(1), append(22)], &[(2, 22)], 2),
        ("past all numbers", &[trim(u64::MAX), append(1)], &[(u64::MAX, 1)], u64::MAX),
    ];
    for (name, ops, expected, first) in table {
        let disk = after(&[&three, ops].concat());
        assert_eq!(disk.log(LOG).first(), first, "{name}");
        if first < u64::MAX {
            assert_eq!(log(&disk), expected, "{name}");
        }
    }
}

#[test]
fn a_torn_record_comes_last_and_once() {
    let mut disk = after(&[append(10), append(11)]);
    disk.tear(&append(12), 1);
    let view: Vec<_> = disk.log(LOG).collect();
    assert_eq!(view, [Ok(10), Ok(11), Err(Torn)]);
    assert_eq!(disk.log(LOG).map_while(Result::ok).count(), 2, "`map_while` reads what is whole");
    disk.drop_torn();
    assert_eq!(log(&disk), [(0, 10), (1, 11)]);
}

#[test]
fn only_what_is_written_at_an_end_tears() {
    let whole = after(&[append(10), write(b"ab")]);
    let save = DiskOp::Save { name: "value".into(), bytes: vec![7] };
    let put = DiskOp::Put { name: "rows".into(), key: vec![1], bytes: vec![7] };
    let cut = DiskOp::Cut { name: "file".into(), len: 0 };
    for op in [save, put, cut, truncate(0), trim(1), DiskOp::All(vec![append(11)])] {
        let mut disk = whole.clone();
        disk.tear(&op, 1);
        assert_eq!(disk, whole, "{op:?}");
    }
    for (kept, file) in [(0, &b"ab"[..]), (1, b"abc"), (2, b"abcd"), (9, b"abcd")] {
        let mut disk = whole.clone();
        disk.tear(&write(b"cd"), kept);
        assert_eq!(disk.file(FILE), file, "a file keeps its torn bytes");
    }
}

#[test]
fn each_kind_of_object_has_names_of_its_own() {
    let name = "same";
    let bytes = lab::frame::encode(&300u16);
    let disk = after(&[
        DiskOp::Save { name: name.into(), bytes: bytes.clone() },
        DiskOp::Put { name: name.into(), key: vec![1], bytes: bytes.clone() },
        DiskOp::Append { name: name.into(), bytes: bytes.clone() },
        DiskOp::Write { name: name.into(), bytes },
        DiskOp::Clear { name: name.into() },
    ]);
    assert_eq!(disk.load(Saved::<u16>::new(name)), None, "cleared");
    assert_eq!(disk.table(Table::<u8, u16>::new(name)), [(1, 300)].into());
    assert_eq!(disk.log(Log::<u16>::new(name)).collect::<Vec<_>>(), [Ok(300)]);
    assert_eq!(disk.file(File::new(name)).len(), 2);
}

#[test]
fn an_empty_disk_has_nothing_of_everything() {
    let disk = Disk::default();
    assert_eq!(disk.load(VALUE), None);
    assert!(disk.table(ROWS).is_empty() && disk.file(FILE).is_empty());
    assert_eq!((disk.log(LOG).first(), disk.log(LOG).count()), (0, 0));
}

#[test]
#[should_panic(expected = "what `value` holds on the disk was not written as a `u16`")]
fn a_value_read_as_another_type_says_so() {
    after(&[DiskOp::Save { name: "value".into(), bytes: lab::frame::encode("text") }]).load(VALUE);
}
