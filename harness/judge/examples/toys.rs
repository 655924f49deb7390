//! The guest of the tests: what they judge, with all its bugs.

#[path = "../tests/it/toys.rs"]
mod toys;

fn main() {
    guest::serve(vec![toys::exercise::<false>()]);
}
