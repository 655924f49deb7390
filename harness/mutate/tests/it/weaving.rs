//! Many variants in one file.

use mutate::{Variant, mutations, weave};

const SOURCE: &str = "\
/// Adds.
fn add(a: u64) -> u64 {
    a + 1
}
struct Node;
impl Node {
    fn is_old(&self, n: u64) -> bool {
        n < 7
    }
}
";

#[test]
fn a_function_with_variants_chooses_its_body_and_each_line_has_its_variant() {
    let edits = mutations("a.rs", SOURCE).unwrap();
    let variants: Vec<Variant> =
        edits.iter().map(|edit| Variant::of(SOURCE, edit).unwrap().unwrap()).collect();
    let woven = weave(SOURCE, [(0, &variants[0]), (3, &variants[3]), (4, &variants[4])]);
    let mut shown = String::new();
    for (nth, line) in (1..).zip(woven.text.lines()) {
        let variant = woven.lines.iter().find(|(lines, _)| lines.contains(&nth)).map(|(_, number)| number);
        shown += &format!("{:<2} {line}\n", variant.map_or(String::new(), u32::to_string));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_variant_is_found_between_two_files_that_differ_in_bodies_alone() {
    for edit in mutations("a.rs", SOURCE).unwrap() {
        let variant = Variant::of(SOURCE, &edit).unwrap();
        assert!(variant.is_some());
        assert_eq!(Variant::between(SOURCE, &edit.apply(SOURCE)).unwrap(), variant, "{}", edit.id);
    }
    let two = SOURCE.replace("a + 1", "a + 2").replace("n < 7", "n < 8");
    let woven = weave(SOURCE, [(5, &Variant::between(SOURCE, &two).unwrap().unwrap())]);
    assert_eq!(woven.lines.len(), 2);
    let more = SOURCE.replace("struct Node;", "struct Node(u64);");
    assert_eq!(Variant::between(SOURCE, &more).unwrap(), None, "a type is no body");
    let another = SOURCE.replace("struct Node;", "struct Node;\nfn helper() {}");
    assert_eq!(Variant::between(SOURCE, &another).unwrap(), None, "a function more is no body");
}

#[test]
fn without_variants_a_file_is_what_it_was() {
    assert_eq!(weave(SOURCE, []).text, SOURCE);
}
