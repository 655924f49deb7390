//! Skeletons out of solutions.

use build::skeleton::{Generated, generate, generate_tree};
use std::fs;

#[test]
fn regions_give_way_to_their_stubs() {
    let solution = "\
//! A chapter.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = \"delete this line when every todo!() below is gone\")]
// END SOLUTION

struct Node {
    // BEGIN SOLUTION
    // STUB: // your state
    term: u64,
    // END SOLUTION
}

// BEGIN SOLUTION
const LEASE: u64 = 3;
// END SOLUTION

impl Node {
    fn start() -> Node {
        // BEGIN SOLUTION
        // STUB: let unused = 1;
        // STUB:
        // STUB: todo!()
        Node { term: LEASE }
        // END SOLUTION
    }

    // BEGIN SOLUTION
    fn helper(&self) -> u64 {
        self.term
    }
    // END SOLUTION
}

// BEGIN SOLUTION
fn last() {}
// END SOLUTION
";
    insta::assert_snapshot!(generate(solution).unwrap());
}

#[test]
fn text_without_regions_stays() {
    for text in ["", "fn main() {}\n", "a\n\n\nb\n", "// the solution begins\n"] {
        assert_eq!(generate(text).unwrap(), text);
    }
}

#[test]
fn markers_that_do_not_add_up_are_named_by_line() {
    let cases = [
        "// BEGIN SOLUTION\n// BEGIN SOLUTION\n",
        "\n// END SOLUTION\n",
        "\n\n    // BEGIN SOLUTION\n",
        "// STUB: todo!()\n",
        "// BEGIN SOLUTION:\n",
        "//BEGIN SOLUTION\n",
        "// BEGIN SOLUTION\n//STUB: todo!()\n// END SOLUTION\n",
    ];
    let said: Vec<_> = cases.iter().map(|text| generate(text).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn trees_tell_what_is_stale() {
    let root = tempfile::tempdir().unwrap();
    let (solution, exercise) = (root.path().join("solution"), root.path().join("exercise"));
    let write = |dir: &std::path::Path, name: &str, text: &str| {
        fs::create_dir_all(dir.join("src")).unwrap();
        fs::write(dir.join("src").join(name), text).unwrap();
    };
    write(&solution, "fresh.rs", "// BEGIN SOLUTION\nfn f() {}\n// END SOLUTION\nfn g() {}\n");
    write(&solution, "new.rs", "fn h() {}\n");
    let file = |path: &str, expected: Option<&str>, found: Option<&str>| Generated {
        path: path.to_owned(),
        expected: expected.map(str::to_owned),
        found: found.map(str::to_owned),
    };
    let (fresh, new) = (Some("fn g() {}\n"), Some("fn h() {}\n"));
    assert_eq!(
        generate_tree(&solution, &exercise).unwrap(),
        [file("src/fresh.rs", fresh, None), file("src/new.rs", new, None)]
    );
    write(&exercise, "fresh.rs", "fn g() {}\n");
    write(&exercise, "old.rs", "");
    let found = generate_tree(&solution, &exercise).unwrap();
    assert_eq!(
        found,
        [
            file("src/fresh.rs", fresh, fresh),
            file("src/new.rs", new, None),
            file("src/old.rs", None, Some(""))
        ]
    );
    assert_eq!(found.iter().map(Generated::is_fresh).collect::<Vec<_>>(), [true, false, false]);

    write(&solution, "bad.rs", "// BEGIN SOLUTION\n");
    let said = generate_tree(&solution, &exercise).unwrap_err().to_string();
    insta::assert_snapshot!(said, @"src/bad.rs: line 1: this region does not end; write `// END SOLUTION` below it");
}
