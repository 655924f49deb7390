//! What is said of cards that are wrong.

use crate::faults;

#[test]
fn all_that_cannot_be_read_is_said_at_once() {
    insta::assert_snapshot!(faults(
        "\
no-check
Is wrong.

odd-words   clock/ticks   sometimes   rule
Is wrong.
@ clock.rs
-a

also-nothing   clock/ticks   also
Is wrong.
@ clock.rs
-a

also-elsewhere   clock/ticks   also vector/exact
Is wrong.
@ clock.rs
-a

twice   clock/ticks
Is wrong.
@ clock.rs
-a

twice   clock/ticks
Is wrong.
@ clock.rs
-a

nothing-said   clock/ticks
@ clock.rs
-a

nothing-done   clock/ticks
Is wrong.

no-file   clock/ticks
Is wrong.
@
-a

no-mark   clock/ticks
Is wrong.
@ clock.rs
-a
b

nowhere   clock/ticks
Is wrong.
@ clock.rs
+a

nothing-changed   clock/ticks
Is wrong.
@ clock.rs
 a
"
    ));
}

#[test]
fn a_section_of_null_mutants_that_is_wrong() {
    insta::assert_snapshot!(faults(
        "\
null   clock/ticks   clock.rs
once
silent sometimes
refusing
-        self.time += 1;
@ clock.rs
+    true
"
    ));
    insta::assert_snapshot!("a_null_section_of_nothing", faults("null   clock/ticks\n\nnull\n"));
}

#[test]
fn all_hunks_that_do_not_fit_are_said_at_once() {
    insta::assert_snapshot!(faults(
        "\
no-such-file   clock/ticks
Is wrong.
@ hlc.rs
-a

no-such-function   clock/ticks
Is wrong.
@ clock.rs forget
-a
@ clock.rs Mutex::tick
-a

elsewhere   clock/ticks
Is wrong.
@ clock.rs Clock::later
-a

not-there   clock/ticks
Is wrong.
@ clock.rs on_message
         self.time += 1;
-        self.tick(0);
@ clock.rs on_message
-        self.tick(seen);
-        self.time += 1;

twice-there   clock/ticks
Is wrong.
@ clock.rs
-        self.time += 1;

overlapping   clock/ticks
Is wrong.
@ clock.rs on_message
-        self.time += 1;
         self.tick(seen);
@ clock.rs Node for Clock::on_message
-        self.tick(seen);
"
    ));
}

#[test]
fn a_name_that_several_functions_have() {
    let reference = "mod a {\n    fn go() {}\n}\nmod b {\n    fn go() {}\n}\n";
    let cards =
        mutants::parse("x.diff", "id   x/y\nIs wrong.\n@ x.rs go\n-    fn go() {}\n").expect("a card");
    let faults = cards[0].apply([("src/x.rs", reference)]).expect_err("there are two");
    insta::assert_snapshot!(faults, @"x.diff:3: id: `go` names several functions of src/x.rs; write `a::go` or `b::go`");
}

#[test]
fn null_mutants_that_do_not_fit() {
    insta::assert_snapshot!(faults(
        "\
null   clock/ticks   clock.rs hlc.rs
refusing
keep on_answer
@ clock.rs on_anything
+    true
@ vector.rs compare
+    true
echoing
@ clock.rs later
+    true
"
    ));
}
