//! Values as Rust: what a question was, so that a student can paste it into a test.
//!
//! Names and fields are those that `serde` tells. So types must be written as `derive` writes them, and their fields be public.

use serde::ser::{self, Serialize};
use std::fmt;

/// Longer expressions are laid out over several lines.
const LINE_MAX: usize = 90;

/// An expression, before it is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// All of it, or what stands before its parts.
    head: String,
    /// Its parts and what closes it.
    parts: Option<(Vec<Expr>, &'static str)>,
}
impl Expr {
    /// The literal of a value.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Expr {
        value.serialize(Writer).expect("every value can be written")
    }
    /// As it stands.
    pub fn verbatim(text: impl Into<String>) -> Expr {
        Expr { head: text.into(), parts: None }
    }
    /// A call of a function or a macro: `call("order", …)`, `call("assert!", …)`.
    pub fn call(function: &str, arguments: Vec<Expr>) -> Expr {
        Expr::list(format!("{function}("), arguments, ")")
    }
    /// A reference to it; to a slice, where it is a vector.
    #[must_use]
    pub fn borrowed(mut self) -> Expr {
        self.head = format!("&{}", self.head.strip_prefix("vec!").unwrap_or(&self.head));
        self
    }
    fn list(head: String, parts: Vec<Expr>, close: &'static str) -> Expr {
        Expr { head, parts: Some((parts, close)) }
    }
    fn named(mut self, prefix: &str) -> Expr {
        self.head.insert_str(0, prefix);
        self
    }
    /// With so many spaces before every line but the first.
    pub fn laid_out(&self, indent: usize) -> String {
        let flat = self.to_string();
        let Some((parts, close)) = &self.parts else { return flat };
        if indent + flat.len() <= LINE_MAX || parts.is_empty() {
            return flat;
        }
        let deeper = indent + 4;
        let line = |part: &Expr| format!("{:deeper$}{},\n", "", part.laid_out(deeper));
        let parts: String = parts.iter().map(line).collect();
        format!("{}\n{parts}{:indent$}{}", self.head.trim_end(), "", close.trim_start())
    }
}
/// On one line.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        let Some((parts, close)) = &self.parts else { return Ok(()) };
        for (nth, part) in parts.iter().enumerate() {
            write!(f, "{}{part}", if nth > 0 { ", " } else { "" })?;
        }
        f.write_str(close)
    }
}

/// A duration in the largest unit that shows it whole.
fn duration(secs: u64, nanos: u32) -> Expr {
    let all = u128::from(secs) * 1_000_000_000 + u128::from(nanos);
    let units = [("secs", 1_000_000_000), ("millis", 1_000_000), ("micros", 1_000), ("nanos", 1)];
    let (unit, size) = units.into_iter().find(|(_, size)| all % size == 0).expect("nanoseconds show it all");
    Expr::verbatim(if all == 0 {
        "Duration::ZERO".to_owned()
    } else {
        format!("Duration::from_{unit}({})", all / size)
    })
}

/// Nothing goes wrong in writing.
#[derive(Debug)]
struct Never(String);
impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Never {}
impl ser::Error for Never {
    fn custom<T: fmt::Display>(what: T) -> Never {
        Never(what.to_string())
    }
}

struct Writer;
macro_rules! plain {
    ($($method:ident: $type:ty),* $(,)?) => { $(
        fn $method(self, value: $type) -> Result<Expr, Never> {
            Ok(Expr::verbatim(format!("{value:?}")))
        }
    )* };
}
impl ser::Serializer for Writer {
    type Ok = Expr;
    type Error = Never;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    plain! {
        serialize_bool: bool, serialize_char: char,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64,
    }
    fn serialize_str(self, text: &str) -> Result<Expr, Never> {
        Ok(Expr::verbatim(format!("{text:?}.to_owned()")))
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result<Expr, Never> {
        Ok(Expr::verbatim(format!("vec!{bytes:?}")))
    }
    fn serialize_none(self) -> Result<Expr, Never> {
        Ok(Expr::verbatim("None"))
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Expr, Never> {
        Ok(Expr::call("Some", vec![Expr::of(value)]))
    }
    fn serialize_unit(self) -> Result<Expr, Never> {
        Ok(Expr::verbatim("()"))
    }
    fn serialize_unit_struct(self, name: &'static str) -> Result<Expr, Never> {
        Ok(Expr::verbatim(name))
    }
    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Expr, Never> {
        Ok(Expr::verbatim(format!("{name}::{variant}")))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Expr, Never> {
        Ok(Expr::call(name, vec![Expr::of(value)]))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Expr, Never> {
        Ok(Expr::call(&format!("{name}::{variant}"), vec![Expr::of(value)]))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Never> {
        Ok(Parts::new("vec![", "]"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Parts, Never> {
        Ok(Parts::new("(", ")"))
    }
    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts, Never> {
        Ok(Parts::new(format!("{name}("), ")"))
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Never> {
        Ok(Parts::new(format!("{name}::{variant}("), ")"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Never> {
        Ok(Parts::new("BTreeMap::from([", "])"))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts, Never> {
        Ok(Parts { is_duration: name == "Duration", ..Parts::new(format!("{name} {{ "), " }") })
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Never> {
        Ok(Parts::new(format!("{name}::{variant} {{ "), " }"))
    }
}

/// What has been written of something with parts.
struct Parts {
    head: String,
    parts: Vec<Expr>,
    close: &'static str,
    is_duration: bool,
}
impl Parts {
    fn new(head: impl Into<String>, close: &'static str) -> Parts {
        Parts { head: head.into(), parts: Vec::new(), close, is_duration: false }
    }
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        self.parts.push(Expr::of(value));
        Ok(())
    }
    fn put_named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Never> {
        self.parts.push(Expr::of(value).named(&format!("{name}: ")));
        Ok(())
    }
    fn finish(self) -> Result<Expr, Never> {
        let number = |nth: usize| self.parts.get(nth)?.head.split(": ").nth(1)?.parse::<u64>().ok();
        if let (true, Some(secs), Some(nanos)) = (self.is_duration, number(0), number(1)) {
            return Ok(duration(secs, u32::try_from(nanos).expect("less than a second")));
        }
        Ok(Expr::list(self.head, self.parts, self.close))
    }
}
macro_rules! in_order {
    ($($trait:ident::$method:ident),* $(,)?) => { $(
        impl ser::$trait for Parts {
            type Ok = Expr;
            type Error = Never;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
                self.put(value)
            }
            fn end(self) -> Result<Expr, Never> {
                self.finish()
            }
        }
    )* };
}
in_order! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}
macro_rules! by_name {
    ($($trait:ident),* $(,)?) => { $(
        impl ser::$trait for Parts {
            type Ok = Expr;
            type Error = Never;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Never> {
                self.put_named(name, value)
            }
            fn end(self) -> Result<Expr, Never> {
                self.finish()
            }
        }
    )* };
}
by_name! { SerializeStruct, SerializeStructVariant }
impl ser::SerializeMap for Parts {
    type Ok = Expr;
    type Error = Never;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        self.put(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        let key = self.parts.pop().expect("its key came first");
        self.parts.push(Expr::list("(".into(), vec![key, Expr::of(value)], ")"));
        Ok(())
    }
    fn end(self) -> Result<Expr, Never> {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::happens_before::{Event, EventId, MessageId, What};
    use lab::{NodeId, WallTime};
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn values_are_written_as_they_are_in_source() {
        let event = Event {
            id: EventId(3),
            node: NodeId(1),
            life: 0,
            place: 2,
            wall: WallTime(Duration::from_millis(1_500)),
            what: What::Sent { to: NodeId(2), message: MessageId(7) },
        };
        assert_eq!(
            Expr::of(&event).to_string(),
            "Event { id: EventId(3), node: NodeId(1), life: 0, place: 2, wall: WallTime(Duration::from_millis(1500)), \
             what: What::Sent { to: NodeId(2), message: MessageId(7) } }"
        );
        assert_eq!(Expr::of(&vec![What::Local]).borrowed().to_string(), "&[What::Local]");
        let all = (Some(-1), "a\"b", Duration::ZERO, Duration::from_nanos(1_000_001_000));
        assert_eq!(
            Expr::of(&all).to_string(),
            r#"(Some(-1), "a\"b".to_owned(), Duration::ZERO, Duration::from_micros(1000001))"#
        );
        assert_eq!(
            Expr::of(&BTreeMap::from([(NodeId(1), 2)])).to_string(),
            "BTreeMap::from([(NodeId(1), 2)])"
        );
    }

    #[test]
    fn what_is_too_long_for_a_line_is_laid_out_over_several() {
        let long = Expr::call("f", vec![Expr::of(&vec![Duration::from_secs(1); 5]).borrowed(), Expr::of(&1)]);
        assert_eq!(
            long.laid_out(4),
            "f(\n        &[\n            Duration::from_secs(1),\n            Duration::from_secs(1),\n            \
             Duration::from_secs(1),\n            Duration::from_secs(1),\n            Duration::from_secs(1),\n        ],\n        \
             1,\n    )"
        );
        assert_eq!(Expr::of(&[1, 2]).laid_out(4), "(1, 2)");
    }
}
