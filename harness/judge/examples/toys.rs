//! The guest of the tests: what they judge, with all its bugs.

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/toys.rs"]
mod toys;

fn main() {
    guest::serve(vec![toys::exercise::<false>()]);
}
