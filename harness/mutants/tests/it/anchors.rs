//! Where hunks go.

use crate::applied;

#[test]
fn a_line_that_two_functions_have_is_found_in_the_one_that_is_named() {
    insta::assert_snapshot!(applied(
        "\
id   clock/ticks
Does not tick on a message.
@ clock.rs on_message
-        self.time += 1;
"
    ));
}

#[test]
fn a_line_that_a_function_has_twice_is_found_by_its_neighbour() {
    insta::assert_snapshot!(applied(
        "\
id   clock/ticks
Counts large requests thrice.
@ clock.rs Clock::on_request
         if request > LIMIT {
-            self.time += 1;
+            self.time += 2;
"
    ));
}

#[test]
fn a_full_name_goes_before_a_part_of_one() {
    let card = |name: &str, from: &str, to: &str| {
        applied(&format!("id   clock/order\nIs wrong.\n@ clock.rs {name}\n-{from}\n+{to}\n"))
    };
    insta::assert_snapshot!(card("later", "    a > b", "    a < b"), @"
    @@ -38,3 +38,3 @@
     pub fn later(a: u64, b: u64) -> bool {
    -    a > b
    +    a < b
     }
    ");
    insta::assert_snapshot!(card("tick::later", "            a.max(b)", "            a.min(b)"), @"
    @@ -31,3 +31,3 @@
             fn later(a: u64, b: u64) -> u64 {
    -            a.max(b)
    +            a.min(b)
             }
    ");
}

#[test]
fn a_function_has_the_functions_within_it() {
    insta::assert_snapshot!(applied(
        "\
id   clock/order
Takes the earlier time.
@ clock.rs Clock::tick
-            a.max(b)
+            a.min(b)
"
    ));
}

#[test]
fn what_is_outside_of_functions_is_found_in_the_file() {
    insta::assert_snapshot!(applied(
        "\
id   clock/ticks
Knows a static.
@ clock.rs
     time: u64,
+    more: u64,
 }
+
@ clock.rs Node for Clock::start
-        Clock { time: 0 }
+        Clock { time: 0, more: 0 }
"
    ));
}

#[test]
fn the_blank_of_a_blank_line_may_be_missing() {
    let card = |blank: &str| {
        applied(&format!(
            "id   clock/ticks\nIs wrong.\n@ clock.rs on_request\n         self.time += 1;\n{blank}\n-        if request > LIMIT {{\n+        if true {{\n"
        ))
    };
    assert_eq!(card(""), card(" "));
    assert!(card("").contains("+        if true {"));
}
